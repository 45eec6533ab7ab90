"""What goes onto a board, and in which order: cut off anywhere, it starts what it started before, or nothing.

A board whose program runs has a watchdog that nothing stops. So the loader comes first, then a flag that makes it leave
the console alone, then a reset: from then on there is time.
"""

import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from firstbell.program import MANIFEST
from firstbell_flash.find_boards import Board, Usb
from firstbell_flash.problems import BoardError
from firstbell_flash.repl import Repl
from firstbell_linux.parsing import parse_json
from firstbell_linux.problems import Problem

BACK_S_MAX = 20
"""After a reset, until the console is there."""
LOOK_S = 0.2
RESETS_MAX = 3
"""Who comes too early to the console ends the loader, too."""
BLOCK_BYTES = 4_096
PROGRAMS = ("a", "b")
BOOT = "boot.json"
MAINTAIN = "maintain"
SETTINGS = "settings.json"
MADE = frozenset({BOOT, "boot.new", "clock", "flash.new"})
"""What changes beside what was flashed: a node writes it, or a run that was cut off has left it."""
OURS = MADE | {"main.py", MAINTAIN, *PROGRAMS, SETTINGS, "key", "ca.der", "log.vkey", "outbox"}
"""What may lie in a board's root."""
_NOT_YET = ("port_busy", "port_denied")
"""Said at once, unless the board has just been reset: then its port is still being made."""


def enter(usb: Usb, board: Board, *, after_reset: bool = False) -> Repl:
    """Ends what runs there. Raises BoardError."""
    deadline_s = time.monotonic() + BACK_S_MAX
    while True:
        try:
            return Repl(usb.port_of(board))
        except BoardError as error:
            at_once = error.problem.name in _NOT_YET and not after_reset
            if at_once or time.monotonic() > deadline_s:
                raise
        # Nothing tells us that a board has come back.
        time.sleep(LOOK_S)


def names_of_others(repl: Repl, loader: bytes) -> list[str]:
    """What lies in the root and is not ours."""
    names = set(repl.names())
    others = names - OURS
    if "main.py" in names and BOOT not in names and repl.read("main.py") != loader:
        others.add("main.py")
    return sorted(others)


def terminal_on(repl: Repl) -> str:
    """Whose board it is; "" for nobody's, and where that was cut off: then it does not run."""
    try:
        return str(parse_json(repl.read(SETTINGS), dict[str, object])["terminal"]) if SETTINGS in repl.names() else ""
    except (ValueError, KeyError):
        return ""


def put_loader(repl: Repl, loader: bytes) -> None:
    """Comes first, for it is what obeys the flag."""
    if "main.py" not in repl.names() or repl.read("main.py") != loader:
        repl.replace("main.py", loader)


def quiet(usb: Usb, board: Board, repl: Repl) -> Repl:
    """The same console, with no program running and no watchdog. Raises BoardError."""
    repl.write(MAINTAIN, b"", lambda _: None)
    for early in range(RESETS_MAX):
        repl.reset()
        time.sleep(early)
        repl = enter(usb, board, after_reset=True)
        if MAINTAIN not in repl.names():
            return repl
    repl.close()
    raise BoardError(Problem("board_restless", board.port))


def put(repl: Repl, program: Mapping[str, bytes], own: Mapping[str, bytes], wrote: Callable[[int], None]) -> str:
    """Everything but what starts it. Returns the program's folder. Raises BoardError."""
    have = repl.digests()
    if have.get("key") != digest(own["key"]):
        # What is kept there was signed by another terminal.
        repl.remove("outbox")
    folder = started_folder(have, repl.read(BOOT) if BOOT in have else b"")
    if have.get(f"{folder}/{MANIFEST}") != digest(program[MANIFEST]):
        # Another program starts, or none: this one goes where none starts.
        folder = PROGRAMS[1] if folder == PROGRAMS[0] else PROGRAMS[0]
    _check_room(repl, program, have, folder)
    _put_program(repl, program, have, folder, wrote)
    for path, data in own.items():
        if have.get(path) != digest(data):
            repl.replace(path, data)
        wrote(len(data))
    return folder


def started_folder(have: Mapping[str, str], boot: bytes) -> str:
    """As the loader chooses among what is there (digests by path); "" for none."""
    try:
        named = parse_json(boot, dict[str, object]).get("program")
    except ValueError:
        named = None
    whole = [name for name in PROGRAMS if f"{name}/{MANIFEST}" in have]
    return str(named) if named in whole else next(iter(whole), "")


def _check_room(repl: Repl, program: Mapping[str, bytes], have: Mapping[str, str], folder: str) -> None:
    new = [data for path, data in program.items() if f"{folder}/{path}" not in have]
    needed = sum(len(data) // BLOCK_BYTES + 1 for data in new) * BLOCK_BYTES
    free = int(repl.run("import os\ns = os.statvfs('/')\nprint(s[0] * s[3])"))
    if free < needed:
        raise BoardError(Problem("board_full", repl.port, {"reason": f"{free} < {needed}"}))


def _put_program(
    repl: Repl, program: Mapping[str, bytes], have: Mapping[str, str], folder: str, wrote: Callable[[int], None]
) -> None:
    """Its manifest goes first and comes last, whole: a folder without one is never started."""
    here = {path.removeprefix(f"{folder}/"): one for path, one in have.items() if path.startswith(f"{folder}/")}
    wanted = {path: digest(data) for path, data in program.items()}
    if here == wanted:
        wrote(sum(map(len, program.values())))
        return
    repl.remove(f"{folder}/{MANIFEST}")
    for path in here.keys() - wanted.keys():
        repl.remove(f"{folder}/{path}")
    for above in sorted({path.rpartition("/")[0] for path in program if "/" in path}):
        repl.make_folders(f"{folder}/{above}")
    for path in program.keys() - {MANIFEST}:
        if here.get(path) == wanted[path]:
            wrote(len(program[path]))
        else:
            repl.write(f"{folder}/{path}", program[path], wrote)
    repl.replace(f"{folder}/{MANIFEST}", program[MANIFEST])
    wrote(len(program[MANIFEST]))


def read_back(repl: Repl, wanted: Mapping[str, bytes], folder: str) -> None:
    """Compares all of it, the small files byte by byte. Raises BoardError: something is not as it was written."""
    differ = set(differences(repl.digests(), wanted, folder))
    differ |= {path for path, data in wanted.items() if "/" not in path and repl.read(path) != data}
    if differ:
        raise BoardError(Problem("read_back_differs", repl.port, {"files": sorted(differ)}))


def differences(have: Mapping[str, str], wanted: Mapping[str, bytes], folder: str) -> dict[str, str]:
    """How what a flash holds (digests) is not what is wanted, by path: missing, differs, unknown. `folder`: the
    program's; the other one's is not looked at.
    """
    others = tuple(f"{name}/" for name in PROGRAMS if name != folder)
    unknown = {path for path in have.keys() - wanted.keys() - MADE if not path.startswith(others)}
    differ = {path for path, data in wanted.items() if have.get(path, "") != digest(data)}
    kinds = {path: "differs" if path in have else "missing" for path in differ}
    return dict(sorted((kinds | dict.fromkeys(unknown, "unknown")).items()))


def start(repl: Repl, boot: bytes) -> None:
    """What `boot` (boot.json) names is what starts from now on, and now. Raises BoardError."""
    repl.replace(BOOT, boot)
    if repl.read(BOOT) != boot:
        raise BoardError(Problem("read_back_differs", repl.port, {"files": BOOT}))
    repl.reset()


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()
