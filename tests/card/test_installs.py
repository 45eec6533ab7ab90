"""What a card has run at a Pi's first start, run: up to the terminal in the place where its unit looks for it."""

import shutil
import stat
import subprocess
import sys
import zipfile
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from firstbell_flash import bundle
from firstbell_flash.board import Network
from firstbell_flash.boot_partition import Folder
from firstbell_flash.card import plan, read_back, read_terminal, write
from firstbell_flash.first_boot import Machine

from tests.card.cards import CARDS, lay_out
from tests.card.fake_pi import FakePi
from tests.house.imports import ROOT
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDe/gm0= it's $HOME"
MACHINE = Machine(
    hostname="gate", networks=(Network("校园", "password"),), country="CN", ssh_key=KEY, timezone="Asia/Shanghai"
)
UNIT = "etc/systemd/system/firstbell-install.service"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A bundle with Firstbell's own wheel and pip; what it needs beside them, the fake Pi has."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (own,) = folder.glob("*.whl")
    found = find_spec("pip")
    assert found
    assert found.origin
    source = Path(found.origin).parent
    with zipfile.ZipFile(folder / f"pip-{version('pip')}-py3-none-any.whl", "w") as made:
        for path in sorted(source.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                made.write(path, path.relative_to(source.parent))
    files = {f"wheels/{path.name}": path.read_bytes() for path in folder.iterdir()}
    digest = sha256(own.read_bytes()).hexdigest()
    files["requirements.txt"] = f"firstbell[terminal]=={own.name.split('-')[1]} --hash=sha256:{digest}\n".encode()
    for name in ("install.sh", "start.sh", "firstbell-install.service"):
        files[name] = (ROOT / "firmware/flash/bundled" / name).read_bytes()
    (folder / "b.tar").write_bytes(bundle.pack(files))
    return bundle.read(folder / "b.tar")[0]


@pytest.fixture
def terminal(tmp_path: Path) -> Path:
    (tmp_path / "campus").mkdir()
    home, _ = make_home(tmp_path / "home", Campus(tmp_path / "campus"), simulated=False)
    return home.path


def ignore(_more: int) -> None: ...


def fake_pi(name: str, folder: Path, terminal: Path, packed: dict[str, bytes]) -> FakePi:
    made = FakePi(folder / "pi")
    boot = Folder(lay_out(made.boot, CARDS[name][1]))
    what = plan(boot, MACHINE, read_terminal(terminal), packed, "firstbell-1")
    write(boot, what, ignore)
    read_back(boot, what, ignore)
    return made


def installs(pi: FakePi, terminal: Path) -> None:
    """What the unit runs; and that it leaves all of it where it belongs, and the card without a key."""
    kept = read_terminal(terminal)
    text = (pi.root / UNIT).read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    said = pi.run(*line.removeprefix("ExecStart=").split())
    assert said.endswith("firstbell: the terminal is installed\n"), said
    home = (pi.root / "var/lib/firstbell-terminal").resolve()
    for name, data in kept.items():
        assert (home / name).read_bytes() == data
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (
        "/opt/firstbell/bin/firstbell-terminal"
        in (pi.root / "etc/systemd/system/firstbell-terminal.service").read_text()
    )
    assert pi.run("/opt/firstbell/bin/firstbell-terminal", "--help")
    assert [
        call for call in pi.calls() if call.startswith("systemctl") and "start" in call and "firstbell-terminal" in call
    ]
    assert not (pi.boot / "firstbell").exists()
    assert not (pi.root / UNIT).exists()
    assert not (pi.root / "etc/systemd/system/multi-user.target.wants/firstbell-install.service").is_symlink()
    assert not list(pi.root.glob("var/lib/firstbell-install*"))
    assert kept["key"] not in b"".join(path.read_bytes() for path in pi.boot.rglob("*") if path.is_file())


def test_firstrun_from_the_first_start_to_the_terminal(
    tmp_path: Path, terminal: Path, packed: dict[str, bytes]
) -> None:
    pi = fake_pi("bookworm", tmp_path, terminal, packed)
    pi.run("/boot/firmware/firstrun.sh")
    assert pi.calls() == [
        "imager_custom set_hostname gate",
        "userconf pi !",
        f"imager_custom enable_ssh -k {KEY}",
        "imager_custom set_timezone Asia/Shanghai",
        "rfkill unblock wifi",
        "nmcli connection reload",
    ]
    assert not (pi.boot / "firstrun.sh").exists()
    cmdline = (pi.boot / "cmdline.txt").read_text()
    assert "systemd" not in cmdline
    assert "cfg80211.ieee80211_regdom=CN" in cmdline
    connection = pi.root / "etc/NetworkManager/system-connections/firstbell-1.nmconnection"
    assert stat.S_IMODE(connection.stat().st_mode) == 0o600
    installs(pi, terminal)


def test_custom_runs_what_toml_has_no_words_for(tmp_path: Path, terminal: Path, packed: dict[str, bytes]) -> None:
    pi = fake_pi("custom", tmp_path, terminal, packed)
    pi.run("/boot/firmware/firstbell/firstrun.sh")
    assert "systemd" not in (pi.boot / "cmdline.txt").read_text()
    assert (pi.root / UNIT).exists()


def test_interrupted_at_every_command(tmp_path: Path, terminal: Path, packed: dict[str, bytes]) -> None:
    """The power fails before each command that changes something: the next start does the rest."""
    pi = fake_pi("trixie", tmp_path, terminal, packed)
    pi.run("sh", "/boot/firmware/firstbell/bundle/start.sh")
    script = pi.boot / "firstbell/bundle/install.sh"
    whole = script.read_text()
    lines = whole.splitlines()
    commands = ("install -d", "install -m", "mv ", "find ", "rmdir ", "python3 -m venv", "rm -f ")
    programs = ('"$program/bin/python"', '"$program/bin/firstbell-terminal"')
    cuts = [number for number, line in enumerate(lines) if line.lstrip().startswith(commands + programs)]
    assert len(cuts) == len(commands + programs)
    sums = pi.boot / "firstbell/bundle/SHA256SUMS"
    good = sums.read_text()
    for cut in cuts:
        text = "\n".join([*lines[:cut], "    kill -KILL $$", *lines[cut:]]) + "\n"
        script.write_text(text)
        sums.write_text(good.replace(sha256(whole.encode()).hexdigest(), sha256(text.encode()).hexdigest()))
        with pytest.raises(AssertionError):
            pi.run("sh", "/boot/firmware/firstbell/bundle/install.sh")
    script.write_text(whole)
    sums.write_text(good)
    installs(pi, terminal)


@pytest.mark.parametrize("broken", ["bundle/requirements.txt", "terminal/key"])
def test_a_card_that_rots_installs_nothing(
    broken: str, tmp_path: Path, terminal: Path, packed: dict[str, bytes]
) -> None:
    pi = fake_pi("trixie", tmp_path, terminal, packed)
    path = pi.boot / "firstbell" / broken
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(AssertionError, match=broken.rpartition("/")[2]):
        pi.run("sh", "/boot/firmware/firstbell/bundle/install.sh")
    assert not list((pi.root / "opt").iterdir())
    assert not list(pi.root.glob("var/lib/firstbell*"))


def test_without_lgpio_it_says_so(tmp_path: Path, terminal: Path, packed: dict[str, bytes]) -> None:
    pi = fake_pi("trixie", tmp_path, terminal, packed)
    (pi.root / "python/lgpio.py").unlink()
    with pytest.raises(AssertionError, match="python3-lgpio"):
        pi.run("sh", "/boot/firmware/firstbell/bundle/install.sh")


def test_packages_of_debian_come_first(tmp_path: Path, terminal: Path, packed: dict[str, bytes]) -> None:
    pi = fake_pi("trixie", tmp_path, terminal, packed)
    debs = pi.boot / "firstbell/bundle/debs"
    debs.mkdir()
    (debs / "python3-lgpio.deb").write_bytes(b"")
    (pi.root / "python/lgpio.py").unlink()
    (pi.root / "stubs/dpkg").write_text('#!/bin/sh\necho "dpkg $*" >>/calls\ntouch /python/lgpio.py\n')
    pi.run("sh", "/boot/firmware/firstbell/bundle/start.sh")
    installs(pi, terminal)
    assert "dpkg --install bundle/debs/python3-lgpio.deb" in pi.calls()


@pytest.mark.parametrize("script", ["install.sh", "start.sh"])
def test_the_scripts_are_sound(script: str) -> None:
    path = ROOT / "firmware/flash/bundled" / script
    for shell in (["bash", "-n"], ["dash", "-n"], ["shellcheck"]):
        subprocess.run([*shell, path], check=True)


def test_the_unit_is_sound(tmp_path: Path) -> None:
    shutil.copy(ROOT / "firmware/flash/bundled/firstbell-install.service", tmp_path)
    unit = tmp_path / "firstbell-install.service"
    said = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
