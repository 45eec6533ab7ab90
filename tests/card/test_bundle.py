"""Bundles: made of a checkout and an index, the same every time; read only when every byte is as it was made."""

import base64
import io
import os
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread

import pytest
from firstbell_flash import bundle
from firstbell_flash.problems import BundleError, Unreadable
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.imports import ROOT

WHEELS = (
    "cp311-cp311-manylinux_2_17_aarch64",
    "cp313-cp313-manylinux_2_17_aarch64",
    "cp311-cp311-manylinux_2_17_x86_64",
)
SCRIPTS = {"install.sh": b"#!/bin/sh\n", "start.sh": b"#!/bin/sh\n", "firstbell-install.service": b"[Unit]\n"}


def wheel(name: str, tag: str) -> bytes:
    """The smallest that pip takes."""
    files = {
        f"{name}.py": b"",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for path, data in files.items()
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for path, data in {**files, f"{name}-1.0.dist-info/RECORD": record.encode()}.items():
            made.writestr(zipfile.ZipInfo(path), data)
    return packed.getvalue()


class Index:
    """A package index (PEP 503) on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hashes: dict[str, list[str]] = {}

    def add(self, name: str, tag: str) -> None:
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        file = f"{name}-1.0-{tag}.whl"
        (place / file).write_bytes(wheel(name, tag))
        self.hashes.setdefault(name, []).append(sha256((place / file).read_bytes()).hexdigest())
        links = "".join(f'<a href="{one.name}">{one.name}</a>\n' for one in sorted(place.glob("*.whl")))
        (place / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")

    def locked(self, name: str, via: str) -> str:
        hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in self.hashes[name])
        return f"{name}==1.0 \\\n{hashes}\n    # via {via}\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    made = Index(tmp_path / "simple")
    for tag in WHEELS:
        made.add("compiled", tag)
    for name in ("pure", "below", "other", "pip"):
        made.add(name, "py3-none-any")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for variable in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(variable, raising=False)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def checkout(tmp_path: Path, index: Index) -> Path:
    """A small one of the same shape."""
    folder = tmp_path / "checkout"
    (folder / "terminal").mkdir(parents=True)
    (folder / "terminal/__init__.py").write_text("")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "firstbell"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'
        '[project.optional-dependencies]\nterminal = ["compiled>=1", "pure[extra]>=1"]\nhub = ["other"]\n'
        '[tool.hatch.build.targets.wheel]\nonly-include = ["terminal"]\n'
    )
    via = {"compiled": "firstbell (pyproject.toml)", "pure": "firstbell (pyproject.toml)", "below": "pure"}
    via |= {"other": "firstbell (pyproject.toml)", "pip": "-r requirements.in"}
    (folder / "requirements.txt").write_text(
        "#\n# by the command\n#\n" + "".join(index.locked(*one) for one in via.items())
    )
    return folder


def make(checkout: Path, *debs: Path) -> bytes:
    return bundle.make(checkout, debs, lambda _: None)


def test_it_has_all_and_nothing_else(checkout: Path, tmp_path: Path) -> None:
    deb = tmp_path / "python3-lgpio_0.2.2_arm64.deb"
    deb.write_bytes(b"deb")
    (tmp_path / "b.tar").write_bytes(make(checkout, deb))
    files, _ = bundle.read(tmp_path / "b.tar")
    assert set(files) == {
        "SHA256SUMS",
        "requirements.txt",
        *SCRIPTS,
        f"debs/{deb.name}",
        "wheels/firstbell-0.1.0-py3-none-any.whl",
        *(f"wheels/compiled-1.0-{tag}.whl" for tag in WHEELS if tag.endswith("aarch64")),
        *(f"wheels/{name}-1.0-py3-none-any.whl" for name in ("pure", "below", "pip")),
    }
    requirements = files["requirements.txt"].decode()
    assert re.findall(r"^[a-z]\S*", requirements, re.MULTILINE) == [
        *("below==1.0", "compiled==1.0", "pip==1.0", "pure==1.0", "firstbell[terminal]==0.1.0")
    ]
    assert f"--hash=sha256:{sha256(files['wheels/firstbell-0.1.0-py3-none-any.whl']).hexdigest()}" in requirements
    for name in SCRIPTS:
        assert files[name] == (ROOT / "firmware/flash/bundled" / name).read_bytes()


def test_a_deb_that_is_no_file_is_found_before_anything_is_made(checkout: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    told: list[str] = []
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match=path.name):
            bundle.make(checkout, [path], told.append)
    for name in ("a b.deb", "x" * 100 + ".deb"):
        (tmp_path / name).write_bytes(b"deb")
        with pytest.raises(BundleError, match="deb_name"):
            bundle.make(checkout, [tmp_path / name], told.append)
    assert told == []


def test_the_same_every_time(checkout: Path) -> None:
    assert make(checkout) == make(checkout)


def test_another_file_than_the_locked_one(checkout: Path, index: Index) -> None:
    (index.folder / "pure/pure-1.0-py3-none-any.whl").write_bytes(wheel("pure", "py2-none-any"))
    with pytest.raises(BundleError) as raised:
        make(checkout)
    assert raised.value.problem.name == "no_index"
    assert "HASHES" in str(raised.value.problem.fields["reason"])


def test_without_an_index(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(BundleError) as raised:
        make(checkout)
    assert raised.value.problem.name == "no_index"


def test_without_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as raised:
        make(tmp_path)
    assert raised.value.problem.name == "no_checkout"


def test_what_a_terminal_needs_is_what_its_packages_say() -> None:
    """The lock's comments, which `needed` goes by, against what is installed."""
    needed = {line.split("==")[0].partition("[")[0] for line in bundle.needed(ROOT).splitlines() if "==" in line}
    wanted, expected = [Requirement("firstbell[terminal]")], {"pip"}
    while wanted:
        asked = wanted.pop()
        for line in distribution(asked.name).requires or []:
            more = Requirement(line)
            here = more.marker is None or any(more.marker.evaluate({"extra": one}) for one in asked.extras or {""})
            if here and canonicalize_name(more.name) not in expected:
                expected.add(canonicalize_name(more.name))
                wanted.append(more)
    assert needed == expected


# ── read ────────────────────────────────────────────────────────────────────────────────────────────────────


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def link() -> tarfile.TarInfo:
    member = tarfile.TarInfo("wheels/link")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/shadow"
    return member


GOOD = bundle.pack({**SCRIPTS, "requirements.txt": b"x==1\n", "wheels/x.whl": b"wheel"})
BROKEN = {
    "a byte": GOOD.replace(b"wheel\x00", b"wheet\x00"),
    "cut off": GOOD[: len(GOOD) // 2],
    "empty": b"",
    "no tar": b"\x1f\x8b" + bytes(10_000),
    "no sums": tar_of(*((tarfile.TarInfo(name), data) for name, data in SCRIPTS.items())),
    "no script": bundle.pack({"wheels/x.whl": b"wheel"}),
    "above": bundle.pack({**SCRIPTS, "../x": b""}),
    "absolute": bundle.pack({**SCRIPTS, "/etc/x": b""}),
    "link": GOOD[:-10_240] + tar_of((link(), b"")),
}


def test_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(GOOD)
    assert bundle.read(tmp_path / "b.tar")[0]["wheels/x.whl"] == b"wheel"


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one(case: str, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(BROKEN[case])
    with pytest.raises(BundleError) as raised:
        bundle.read(tmp_path / "b.tar")
    assert raised.value.problem.name == "bundle_broken"


@pytest.mark.parametrize(
    "names",
    [
        *(["./a"], ["."], [""], ["a\x1bb"], ["a\\b"], ["a:b"], ["a*"], ["a?"], [" a"], ["a "], ["a."], ["门"], ["-a"]),
        *(["a//b"], ["a/../b"], ["wheels/A", "wheels/a"], ["install.sh/x"], ["W/a", "w/b"]),
    ],
    ids=repr,
)
def test_names_that_no_card_holds(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(bundle.pack({**SCRIPTS, **dict.fromkeys(names, b"x")}))
    with pytest.raises(BundleError) as raised:
        bundle.read(tmp_path / "b.tar")
    assert raised.value.problem.name == "bundle_broken"


@pytest.mark.parametrize("kind", ["gnu", "posix"])
def test_one_with_holes(kind: str, tmp_path: Path) -> None:
    """A hole takes no room in the file, whatever its size, and all of it in memory."""
    made, packed = tmp_path / "made", tmp_path / "b.tar"
    (tmp_path / "good.tar").write_bytes(bundle.pack({**SCRIPTS, "holes": bytes(1 << 20)}))
    subprocess.run(["tar", "--one-top-level=made", "-xf", "good.tar"], cwd=tmp_path, check=True)
    for size in (0, 1 << 20):
        os.truncate(made / "holes", size)
    tar = ["tar", "--sparse", f"--format={kind}", "-cf", str(packed)]
    subprocess.run([*tar, *os.listdir(made)], cwd=made, check=True)
    assert packed.stat().st_size < 1 << 20
    with pytest.raises(BundleError) as raised:
        bundle.read(packed)
    assert raised.value.problem.name == "bundle_broken"


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="bundle_unreadable"):
        bundle.read(tmp_path / "b.tar")
