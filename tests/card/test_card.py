"""A card is written, read back and compared; refused with nothing changed; interrupted anywhere and mended."""

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from firstbell_flash.boot_partition import BootPartition, Fat, Folder, open_fat
from firstbell_flash.card import Plan, differences, plan, read_back, write
from firstbell_flash.first_boot import Machine
from firstbell_flash.problems import CardError, NotWritten

from tests.card.cards import BOOKWORM, CARDS, CLOUD, PI_OS, TRIXIE, boot, digest, lay_out, make_image

MACHINE = Machine(hostname="gate")
TERMINAL = {"settings.toml": b'terminal = "t-abcdefghij"\n', "key": b"secret\n", "ca.pem": b"ca\n", "log.vkey": b"v\n"}
BUNDLE = {
    "install.sh": b"#!/bin/sh\n",
    "start.sh": b"#!/bin/sh\n",
    "wheels/A-long_Name-1.0-py3-none-any.whl": b"x" * 99_999,
}
KINDS: dict[str, Callable[[Path, dict[str, bytes]], BootPartition]] = {
    "image": lambda path, files: open_fat(make_image(path / "card.img", files)),
    "folder": lambda path, files: Folder(lay_out(path / "bootfs", files)),
}


def ignore(_more: int) -> None: ...


def planned(boot_partition: BootPartition, bundle: dict[str, bytes] = BUNDLE, instance: str = "i-1") -> Plan:
    return plan(boot_partition, MACHINE, TERMINAL, bundle, instance)


def put(boot_partition: BootPartition, bundle: dict[str, bytes] = BUNDLE) -> Plan:
    what = planned(boot_partition, bundle)
    write(boot_partition, what, ignore)
    read_back(boot_partition, what, ignore)
    return what


def content(boot_partition: BootPartition) -> dict[str, bytes]:
    return {path: boot_partition.read(path) for path in boot_partition.names()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CARDS)
def test_written_and_read_back(name: str, kind: str, tmp_path: Path) -> None:
    known, files = CARDS[name]
    card = KINDS[kind](tmp_path, files)
    what = put(card)
    assert what.format == known
    found = content(card)
    assert found == {**files, **what.files}
    assert {path: found[f"firstbell/terminal/{path}"] for path in TERMINAL} == TERMINAL
    assert differences(card, TERMINAL) == ({}, len(what.files) - 1)
    assert set(what.replaces) == set(files) & {
        "firstrun.sh",
        "custom.toml",
        "user-data",
        "meta-data",
        "network-config",
        "rpi-preseed.toml",
    }


def test_debian_finds_the_file_system_sound(tmp_path: Path) -> None:
    image = make_image(tmp_path / "card.img", CARDS["trixie"][1])
    put(open_fat(image))
    put(open_fat(image), {**BUNDLE, "more": b"y" * 50_000})
    whole = image.read_bytes()
    (tmp_path / "fat").write_bytes(whole[2_048 * 512 :])
    said = subprocess.run(["fsck.fat", "-n", tmp_path / "fat"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    image = make_image(tmp_path / "card.img", CARDS["bookworm"][1])
    put(open_fat(image))
    before = digest(image)
    put(open_fat(image))
    assert digest(image) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_earlier_time_left_is_gone(kind: str, tmp_path: Path) -> None:
    card = KINDS[kind](tmp_path, CARDS["bookworm"][1])
    put(card, {**BUNDLE, "wheels/old.whl": b"old"})
    what = put(card)
    assert content(card) == {**CARDS["bookworm"][1], **what.files}


def test_what_it_was_before_is_no_more_to_be_read(tmp_path: Path) -> None:
    card = Folder(lay_out(tmp_path / "boot", CARDS["trixie"][1] | {"firstbell/before.json": b'{"x":' + b"[" * 5_000}))
    put(card)
    assert differences(card, TERMINAL)[0] == {}


# ── refused ─────────────────────────────────────────────────────────────────────────────────────────────────

REFUSED = {
    "two formats": ("format_two", {**CARDS["trixie"][1], "custom.toml": b"config_version = 1\n"}),
    "unknown format": ("format_unknown", boot(TRIXIE)),
    "other system": ("not_pi_os", boot(TRIXIE, issue_txt=b"Ubuntu 24.04\n", **CLOUD)),
    "no issue": ("not_pi_os", {name: data for name, data in CARDS["trixie"][1].items() if name != "issue.txt"}),
    "no cmdline": ("not_pi_os", {**PI_OS, "user-data": b"", "meta-data": b""}),
    "32 bit": ("not_64_bit", boot(BOOKWORM, kernel7l_img=b"kernel")),
    "two lines": ("cmdline_odd", boot(f"{BOOKWORM}\nroot=/dev/sda2")),
    "empty cmdline": ("cmdline_odd", boot("")),
    "an empty card": ("not_pi_os", {"readme.txt": b""}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_nothing_changed(case: str, kind: str, tmp_path: Path) -> None:
    problem, files = REFUSED[case]
    card = KINDS[kind](tmp_path, files)
    before = digest(card.where)
    with pytest.raises(CardError) as raised:
        planned(card)
    assert raised.value.problem.name == problem
    assert digest(card.where) == before


def test_no_room_with_nothing_changed(tmp_path: Path) -> None:
    image = make_image(tmp_path / "card.img", {**CARDS["trixie"][1], "filler.bin": b"\x01" * (44 << 20)})
    before = digest(image)
    with pytest.raises(CardError) as raised:
        planned(open_fat(image), {**BUNDLE, "wheels/large.whl": b"z" * (3 << 20)})
    assert raised.value.problem.name == "card_full"
    assert digest(image) == before


def test_room_that_its_own_old_files_free(tmp_path: Path) -> None:
    """What is there twice needs no room twice."""
    card = open_fat(make_image(tmp_path / "card.img", {**CARDS["trixie"][1], "filler.bin": b"\x01" * (30 << 20)}))
    put(card, {**BUNDLE, "wheels/a.whl": b"a" * (12 << 20)})
    put(card, {**BUNDLE, "wheels/b.whl": b"b" * (12 << 20)})
    assert card.read("firstbell/bundle/wheels/b.whl") == b"b" * (12 << 20)


@pytest.mark.parametrize("what", ["no table", "wrong kind", "gpt", "short", "xz"])
def test_no_image_of_a_card(what: str, tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    if what == "wrong kind":
        make_image(image, PI_OS, kind="83")
    elif what == "gpt":
        image.write_bytes(bytes(446) + b"\x00\x00\x02\x00\xee\xff\xff\xff" + bytes(56) + b"\x55\xaa")
    else:
        image.write_bytes({"no table": bytes(1 << 20), "short": b"\x00" * 100, "xz": b"\xfd7zXZ\x00" * 200}[what])
    before = digest(image)
    with pytest.raises(CardError) as raised:
        open_fat(image)
    assert raised.value.problem.name == "no_boot_partition"
    assert digest(image) == before


def test_a_format_that_somebody_added_later(tmp_path: Path) -> None:
    card = Folder(lay_out(tmp_path / "bootfs", CARDS["bookworm"][1]))
    put(card)
    lay_out(card.where, {"custom.toml": b"config_version = 1\n"})
    before = digest(card.where)
    with pytest.raises(CardError) as raised:
        planned(card)
    assert raised.value.problem.name == "format_two"
    assert digest(card.where) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", [{}, {"settings.toml": b'terminal = "t-other22222"\n'}], ids=["yet to come", "other"])
def test_a_card_of_another_terminal(other: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    card = KINDS[kind](tmp_path, CARDS["trixie"][1])
    put(card)
    before = digest(card.where)
    with pytest.raises(CardError) as raised:
        plan(card, MACHINE, other, BUNDLE, "i-2")
    assert raised.value.problem.name == "card_of_other"
    assert digest(card.where) == before


# ── interrupted ─────────────────────────────────────────────────────────────────────────────────────────────


class Pulled(Exception):
    """The card is out of its slot."""


class Cut:
    """A partition that is pulled out at its `left`-th change; `halfway`, when the file is there by half."""

    def __init__(self, inner: BootPartition, left: int, *, halfway: bool = False) -> None:
        self.where = inner.where
        self.inner = inner
        self.left = left
        self.halfway = halfway
        self.names, self.read, self.free_bytes, self.settle = inner.names, inner.read, inner.free_bytes, inner.settle

    def _change(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Pulled

    def write(self, path: str, data: bytes) -> None:
        try:
            self._change()
        except Pulled:
            if self.halfway:
                self.inner.write(path, data[: len(data) // 2])
            raise
        self.inner.write(path, data)

    def remove(self, path: str) -> None:
        self._change()
        self.inner.remove(path)


def finished(card: BootPartition) -> bool:
    try:
        return not differences(card, {})[0]
    except NotWritten:
        return False


def interrupt(card: BootPartition, files: dict[str, bytes], left: int, *, halfway: bool, again: bool) -> bool:
    """At the `left`-th change, and mended. Whether there were so many. `again`: it was written with another bundle."""
    if again:
        put(card, {"wheels/old.whl": b"old", **{name: data + b"old" for name, data in BUNDLE.items()}})
    try:
        write(Cut(card, left, halfway=halfway), planned(card), ignore)
    except Pulled:
        assert not finished(card) or (again and left == 0)
    else:
        return False
    what = put(card)
    assert content(card) == {**files, **what.files}
    assert json.loads(card.read("firstbell/before.json"))["cmdline"] == files["cmdline.txt"].decode().strip()
    return True


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("halfway", [False, True])
@pytest.mark.parametrize("name", CARDS)
def test_interrupted_at_every_change(name: str, halfway: bool, again: bool, tmp_path: Path) -> None:
    _, files = CARDS[name]
    left = 0
    while interrupt(Folder(lay_out(tmp_path / str(left), files)), files, left, halfway=halfway, again=again):
        left += 1
    assert left >= len(BUNDLE) + 3


@pytest.mark.parametrize("halfway", [False, True])
def test_interrupted_at_every_change_of_a_fat(halfway: bool, tmp_path: Path) -> None:
    _, files = CARDS["Imager"]
    fresh = make_image(tmp_path / "fresh.img", files)
    left = 0
    while interrupt(
        open_fat(Path(shutil.copy(fresh, tmp_path / "card.img"))), files, left, halfway=halfway, again=False
    ):
        left += 1
    assert left >= len(BUNDLE) + 3


def test_killed_at_any_time(tmp_path: Path) -> None:
    """The process that writes to a real FAT, killed at a moment by chance."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    files = CARDS["trixie"][1]
    image = make_image(tmp_path / "card.img", files)
    program = (
        "import sys; from pathlib import Path; from tests.card.test_card import put;"
        " from firstbell_flash.boot_partition import open_fat; print('ready', flush=True);"
        " put(open_fat(Path(sys.argv[1])))"
    )
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", program, image], stdout=subprocess.PIPE, start_new_session=True
        ) as it:
            assert it.stdout
            it.stdout.readline()
            try:
                it.wait(dice.uniform(0.0, 0.4))
            except subprocess.TimeoutExpired:
                os.killpg(it.pid, signal.SIGKILL)
    card = open_fat(image)
    what = put(card)
    assert content(card) == {**files, **what.files}


def test_what_came_back_otherwise_is_told(tmp_path: Path) -> None:
    class Forgetful(Folder):
        def read(self, path: str) -> bytes:
            data = super().read(path)
            return data[:-1] + b"?" if path.endswith("terminal/key") else data

    card = Forgetful(lay_out(tmp_path / "bootfs", CARDS["bookworm"][1]))
    with pytest.raises(CardError) as raised:
        put(card)
    assert raised.value.problem.name == "card_differs"
    assert raised.value.problem.fields["files"] == ["firstbell/terminal/key"]


@pytest.mark.parametrize("kind", KINDS)
def test_looked_at_later(kind: str, tmp_path: Path) -> None:
    card = KINDS[kind](tmp_path, CARDS["trixie"][1])
    with pytest.raises(NotWritten) as raised:
        differences(card, {})
    assert raised.value.problem.name == "card_not_ours"
    put(card)
    card.write("user-data", b"#cloud-config\nhostname: other\n")
    card.remove("firstbell/terminal/ca.pem")
    differ, files = differences(card, {**TERMINAL, "key": b"another\n"})
    assert differ == {
        "user-data": "differs",
        "firstbell/terminal/ca.pem": "missing",
        "firstbell/terminal/key": "differs",
    }
    assert files > len(differ)


MADE: dict[str, Callable[[Path, Path], None]] = {
    "link": lambda path, others: path.symlink_to(others / "file"),
    "link to nothing": lambda path, others: path.symlink_to(others / "nothing"),
    "link to a folder": lambda path, others: path.symlink_to(others),
    "hard link": lambda path, others: path.hardlink_to(others / "file"),
    "pipe": lambda path, _others: os.mkfifo(path),
}


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """A folder beside the card, with a file."""
    return lay_out(tmp_path / "others", {"file": b"others"})


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("name", ["firstrun.sh", "firstbell", "firstbell/terminal"])
def test_a_folder_with_links_is_no_card(name: str, made: str, tmp_path: Path, others: Path) -> None:
    card = Folder(lay_out(tmp_path / "bootfs", CARDS["bookworm"][1]))
    (card.where / name).parent.mkdir(exist_ok=True)
    MADE[made](card.where / name, others)
    before = digest(card.where)
    with pytest.raises(CardError) as raised:
        put(card)
    assert (raised.value.problem.name, raised.value.problem.where) == ("card_has_links", str(card.where / name))
    assert digest(card.where) == before
    assert [path.name for path in others.iterdir()] == ["file"]
    assert (others / "file").read_bytes() == b"others"


@pytest.mark.parametrize("name", ["firstrun.sh", "firstbell", "firstbell/terminal"])
def test_a_link_that_comes_meanwhile(name: str, tmp_path: Path, others: Path) -> None:
    """After all names were looked at."""
    card = Folder(tmp_path / "bootfs")
    (card.where / name).parent.mkdir(parents=True)
    (card.where / name).symlink_to(others / "nothing" if name == "firstrun.sh" else others)
    path = {"firstrun.sh": name}.get(name, "firstbell/terminal/file")
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        card.write(path, b"secret")
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        card.read(path)
    assert content(Folder(others)) == {"file": b"others"}


def test_a_mounted_cards_files_are_their_owners_alone(tmp_path: Path) -> None:
    """Where it is no FAT, which has one mode for all of them."""
    card = Folder(lay_out(tmp_path / "bootfs", CARDS["bookworm"][1]))
    put(card)
    assert stat.S_IMODE((card.where / "firstbell/terminal/key").stat().st_mode) == 0o600


def test_without_mtools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_image(tmp_path / "card.img", PI_OS)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CardError) as raised:
        Fat(image, 1 << 20).names()
    assert raised.value.problem.name == "no_mtools"


def test_cloud_init_is_told_of_a_new_start(tmp_path: Path) -> None:
    card = Folder(lay_out(tmp_path / "bootfs", CARDS["trixie"][1]))
    put(card)
    what = planned(card, instance="i-2")
    assert set(what.write) == {"meta-data", "cmdline.txt", "firstbell/SHA256SUMS"}
