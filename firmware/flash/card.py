"""A terminal on a card: what is to be written to its boot partition, written, read back, and looked at again later.

All that can be known is known before anything is changed. What is ours lies in firstbell/ there:

    before.json     what the card was when we first saw it: its format, and its cmdline.txt
    bundle/         what is installed, and the scripts that do it
    terminal/       the terminal's folder: settings, key, certificates
    networks/       Wi-Fi, for NetworkManager
    SHA256SUMS      of all of it and of the format's own files; written last, so it is there when all is
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from posixpath import normpath, relpath

import msgspec
from firstbell_flash import sums
from firstbell_flash.boot_partition import CLUSTER_BYTES_MAX, BootPartition
from firstbell_flash.first_boot import FOLDER, Format, Machine, check_no_other, recognise, render
from firstbell_flash.problems import CardError, NotWritten
from firstbell_flash.sums import parse_sums, write_sums
from firstbell_linux.parsing import parse_json, parse_toml
from firstbell_linux.problems import Problem

BEFORE = f"{FOLDER}/before.json"
SUMS = f"{FOLDER}/{sums.SUMS}"
_SETTINGS = f"{FOLDER}/terminal/settings.toml"
_CMDLINE = "cmdline.txt"
_MADE_BY = b"Raspberry Pi reference "
"""How issue.txt begins on every Raspberry Pi OS (pi-gen, export-image)."""
_ONLY_32_BIT = "kernel7l.img"

Wrote = Callable[[int], None]
"""So many bytes more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`files`: all that is to be there, in the order in which it is written; of these `write` differs or is missing.

    `remove`: what an earlier time left. `replaces`: files of others, which somebody may have filled.
    """

    format: Format
    files: Mapping[str, bytes]
    write: Mapping[str, bytes]
    remove: tuple[str, ...]
    replaces: tuple[str, ...]


def plan(
    boot: BootPartition, machine: Machine, terminal: Mapping[str, bytes], bundle: Mapping[str, bytes], instance: str
) -> Plan:
    """`terminal`, `bundle`: files by name. `instance`: as `render` takes it.

    Raises TypedWrongly: `machine` can't be. CardError: no card for us, or not surely, another terminal's, or no room.
    Changes nothing.
    """
    machine.check()
    names = boot.names()
    before = _before(boot, names)
    if _SETTINGS in names:
        _check_same(str(boot.where), boot.read(_SETTINGS), terminal.get("settings.toml", b""))
    rendered = render(before.format, machine, before.cmdline, instance)
    files = {
        BEFORE: msgspec.json.encode(before),
        **{f"{FOLDER}/bundle/{name}": data for name, data in bundle.items()},
        **{f"{FOLDER}/terminal/{name}": data for name, data in terminal.items()},
        **rendered,
    }
    files[SUMS] = write_sums({relpath(path, FOLDER): data for path, data in files.items()})
    there = {path: boot.read(path) for path in sorted(names & files.keys())}
    write = {path: data for path, data in files.items() if there.get(path) != data}
    remove = tuple(sorted(path for path in names - files.keys() if path.startswith(f"{FOLDER}/")))
    needed = sum(len(data) + CLUSTER_BYTES_MAX for data in write.values())
    freed = sum(len(there[path]) for path in write if path in there) + sum(len(boot.read(path)) for path in remove)
    if needed > boot.free_bytes() + freed:
        raise CardError(Problem("card_full", str(boot.where), {"mib": -(-needed // (1 << 20))}))
    replaces = tuple(path for path in rendered if path in write and path in names and path != _CMDLINE)
    return Plan(before.format, files, write, remove, () if BEFORE in names else replaces)


def _check_same(where: str, there: bytes, ours: bytes) -> None:
    """Of two settings.toml. Raises CardError: the card is another terminal's."""
    terminal, name = _owner(there)
    if terminal not in ("", _owner(ours)[0]):
        raise CardError(Problem("card_of_other", where, {"name": name, "terminal": terminal}))


def _owner(settings: bytes) -> tuple[str, str]:
    """The terminal and its name; "" each where it was cut off: then no key is behind it."""
    try:
        said = parse_toml(settings)
    except ValueError:
        said = {}
    return str(said.get("terminal", "")), str(said.get("name", ""))


@dataclass(frozen=True, slots=True)
class Before:
    """What the card was when we first saw it."""

    format: Format
    cmdline: str


def _before(boot: BootPartition, names: set[str]) -> Before:
    """Raises CardError: it is none of Raspberry Pi OS, or of no format."""
    where = str(boot.where)
    top = {name for name in names if "/" not in name}
    if not ({"config.txt", "issue.txt"} <= top and boot.read("issue.txt").startswith(_MADE_BY)):
        raise CardError(Problem("not_pi_os", where))
    if "kernel8.img" not in top or _ONLY_32_BIT in top:
        raise CardError(Problem("not_64_bit", where))
    before = _parse_before(boot.read(BEFORE)) if BEFORE in names else None
    if before is not None:
        check_no_other(top, before.format, where)
        return before
    if _CMDLINE not in top:
        raise CardError(Problem("not_pi_os", where))
    cmdline = boot.read(_CMDLINE).decode("utf-8", "replace").strip()
    if not cmdline or "\n" in cmdline or "\ufffd" in cmdline:
        raise CardError(Problem("cmdline_odd", where))
    return Before(recognise(top, cmdline, boot.read, where), cmdline)


def _parse_before(data: bytes) -> Before | None:
    """None where it was cut off: then nothing else was changed after it."""
    try:
        return parse_json(data, Before)
    except ValueError:
        return None


def write(boot: BootPartition, planned: Plan, wrote: Wrote) -> None:
    """What differs. Raises CardError, OSError. Interrupted, it is mended by planning and writing anew."""
    if not planned.write and not planned.remove:
        return
    if BEFORE in planned.write:
        # Before anything else is changed, and not only in this machine's memory.
        boot.write(BEFORE, planned.write[BEFORE])
        boot.settle()
    # Until the sums are there again, nobody takes the card for finished.
    for path in ([SUMS] if SUMS in boot.names() else []) + list(planned.remove):
        boot.remove(path)
    for path, data in {**planned.write, SUMS: planned.files[SUMS]}.items():
        if path != BEFORE:
            boot.write(path, data)
        wrote(len(data))
    boot.settle()


def read_back(boot: BootPartition, planned: Plan, read: Wrote) -> None:
    """Raises CardError: something else came back; OSError."""
    names, differ = boot.names(), []
    for path, data in planned.files.items():
        if path not in names or boot.read(path) != data:
            differ.append(path)
        read(len(data))
    if differ:
        raise CardError(Problem("card_differs", str(boot.where), {"files": list(differ)}))


def differences(boot: BootPartition, terminal: Mapping[str, bytes]) -> tuple[dict[str, str], int]:
    """What is not as it was written: "missing" or "differs", by path; and how many files there should be.

    `terminal`: must be on it, too, if any. Raises NotWritten: nothing of ours is on it, or it was not finished.
    """
    names = boot.names()
    if SUMS not in names:
        raise NotWritten(Problem("card_unfinished" if BEFORE in names else "card_not_ours", str(boot.where)))
    wanted = {normpath(f"{FOLDER}/{path}"): digest for path, digest in parse_sums(boot.read(SUMS)).items()}
    wanted |= {f"{FOLDER}/terminal/{name}": sha256(data).hexdigest() for name, data in terminal.items()}
    differ = dict.fromkeys(wanted.keys() - names, "missing")
    differ |= {
        path: "differs"
        for path, digest in wanted.items()
        if path in names and sha256(boot.read(path)).hexdigest() != digest
    }
    return differ, len(wanted)


def read_terminal(folder: Path) -> dict[str, bytes]:
    """The files of a terminal's folder that a card needs. Raises OSError."""
    return {name: (folder / name).read_bytes() for name in ("settings.toml", "key", "ca.pem", "log.vkey")}
