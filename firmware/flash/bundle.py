"""A bundle: all that a Raspberry Pi needs to become a terminal without the internet, in one file with its hashes.

    SHA256SUMS              of every other file, as sha256sum(1) reads it
    install.sh, start.sh, firstbell-install.service
    requirements.txt        what is to be installed, each with its hashes
    wheels/                 Firstbell's own and those of its extra `terminal`, for 64-bit Raspberry Pi OS; pip
    debs/                   packages of Debian that the image may lack

The same checkout, index and packages give the same bytes.
"""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from importlib.resources import files as package_files
from pathlib import Path

from firstbell_flash.problems import BundleError, Unreadable
from firstbell_flash.sums import SUMS, parse_sums, write_sums
from firstbell_linux.named_file import read_named
from firstbell_linux.problems import Problem

REQUIREMENTS = "requirements.txt"
BUNDLE_BYTES_MAX = 128 * 1024 * 1024
FILES_MAX = 500
PYTHONS = ("311", "313")
"""Of bookworm and of trixie."""
PLATFORMS = (
    "manylinux2014",
    "manylinux_2_17",
    "manylinux_2_24",
    "manylinux_2_26",
    "manylinux_2_28",
    "manylinux_2_31",
    "manylinux_2_34",
)
"""bookworm has glibc 2.36."""
_FOLDERS = ("wheels", "debs")
_NAME = re.compile(rf"(?:(?:{'|'.join(_FOLDERS)})/)?[A-Za-z0-9][A-Za-z0-9._+~-]{{0,99}}(?<!\.)")
"""A tar of this format, and a FAT, holds such names as they are, but for capitals."""
_SCRIPTS = ("install.sh", "start.sh", "firstbell-install.service")
_EXTRA = "terminal"
_ENTRY = re.compile(r"^([a-z0-9][a-z0-9.-]*)(?:\[[^\]]*\])?==.*(?:\n[ \t].*)*", re.MULTILINE)
_VIA = re.compile(r"^ +# +(?:via )?([a-z0-9.-]+)", re.MULTILINE)

Told = Callable[[str], None]
"""What is done now: "wheel", "download", "pack"."""


def make(checkout: Path, debs: Collection[Path], told: Told) -> bytes:
    """Asks the package index that pip is set up for.

    Raises BundleError: no checkout, no index, a hash that is not the locked one; OSError.
    """
    if not (checkout / "pyproject.toml").is_file() or not (checkout / REQUIREMENTS).is_file():
        raise BundleError(Problem("no_checkout", str(checkout)))
    for path in debs:
        if not _NAME.fullmatch(f"debs/{path.name}"):
            raise BundleError(Problem("deb_name", str(path)))
    debian = {f"debs/{path.name}": read_named(path, BUNDLE_BYTES_MAX) for path in debs}
    with tempfile.TemporaryDirectory(prefix="firstbell-bundle-") as folder:
        wheels = Path(folder) / "wheels"
        wheels.mkdir()
        told("wheel")
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
        _run(build, "wheel_fails", checkout, cwd=checkout)
        (own,) = wheels.glob("*.whl")
        told("download")
        wanted = needed(checkout)
        download(wanted, wheels)
        told("pack")
        version = own.name.split("-")[1]
        named = f"firstbell[{_EXTRA}]=={version} --hash=sha256:{sha256(own.read_bytes()).hexdigest()}\n"
        files = {f"wheels/{path.name}": path.read_bytes() for path in wheels.iterdir()}
    files |= debian
    files |= {name: (package_files("firstbell_flash") / "bundled" / name).read_bytes() for name in _SCRIPTS}
    return pack({**files, REQUIREMENTS: (wanted + named).encode()})


def needed(checkout: Path) -> str:
    """The lines of requirements.txt for the extra of a terminal and for pip, and for what these need in turn."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    extra = project["optional-dependencies"][_EXTRA]
    names = {"pip", *(re.split(r"[\[<>=;~! ]", line, maxsplit=1)[0] for line in extra)}
    entries = {found[1]: found[0] for found in _ENTRY.finditer((checkout / REQUIREMENTS).read_text("utf-8"))}
    parents = {
        name: set(re.findall(r"^ +# +(?:via )?([a-z0-9.-]+)", text, re.MULTILINE)) for name, text in entries.items()
    }
    while more := {name for name, above in parents.items() if above & names} - names:
        names |= more
    return "".join(entries[name] + "\n" for name in sorted(names))


def download(requirements: str, wheels: Path) -> None:
    """Into the folder `wheels`, for each Python. Raises BundleError."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        for python in PYTHONS:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command += ["--require-hashes", "--only-binary", ":all:", "--dest", str(wheels), "--requirement", file.name]
            command += ["--implementation", "cp", "--python-version", python]
            command += [part for name in PLATFORMS for part in ("--platform", f"{name}_aarch64")]
            command += [part for abi in (f"cp{python}", "abi3", "none") for part in ("--abi", abi)]
            _run(command, "no_index", wheels)


def _run(command: list[str], problem: str, where: Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [str(done.returncode)]
        reason = next((line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")), said[-1])
        raise BundleError(Problem(problem, str(where), {"reason": reason}))


def pack(files: Mapping[str, bytes]) -> bytes:
    """One tar file. The same files give the same bytes."""
    whole = {**files, SUMS: write_sums(dict(sorted(files.items())))}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(whole):
            entry = tarfile.TarInfo(name)
            entry.size = len(whole[name])
            tar.addfile(entry, io.BytesIO(whole[name]))
    return packed.getvalue()


def read(path: Path) -> tuple[dict[str, bytes], str]:
    """Every file of a bundle by its name, each as SHA256SUMS says; and the SHA-256 of the bundle that they are from, in
    hex. Raises BundleError, Unreadable.
    """
    try:
        packed = read_named(path, BUNDLE_BYTES_MAX + 1)
        if len(packed) > BUNDLE_BYTES_MAX:
            raise BundleError(Problem("bundle_broken", str(path)))
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as tar:
            members = tar.getmembers()
            if len(members) > FILES_MAX or not all(map(_is_plain, members)) or not _are_apart(members):
                raise BundleError(Problem("bundle_broken", str(path)))
            files = {member.name: _data(tar, member) for member in members}
    except OSError as error:
        raise Unreadable("bundle_unreadable", path, error) from error
    except tarfile.TarError as error:
        raise BundleError(Problem("bundle_broken", str(path))) from error
    whole = {name: sha256(data).hexdigest() for name, data in files.items() if name != SUMS}
    if parse_sums(files.get(SUMS, b"")) != whole or not {*_SCRIPTS} <= whole.keys():
        raise BundleError(Problem("bundle_broken", str(path)))
    return files, sha256(packed).hexdigest()


def _is_plain(member: tarfile.TarInfo) -> bool:
    """A file that is all there, and is called on a card as it is here."""
    return member.isreg() and not member.issparse() and _NAME.fullmatch(member.name) is not None


def _are_apart(members: Collection[tarfile.TarInfo]) -> bool:
    """On a FAT, too, where small letters and capitals are the same."""
    folded = {*_FOLDERS, *(member.name.lower() for member in members)}
    return len(folded) == len(members) + len(_FOLDERS)


def _data(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""
