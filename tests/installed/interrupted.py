"""An install that ends in the middle, at each of its touches of the disk, and the next one, which mends it.

To be run by root of a machine: python -m tests.installed.interrupted. It says how many touches there were.
"""

import itertools
import os
import shutil
import sys
from pathlib import Path

from firstbell_linux.units import STATES, UNITS, Service, alone, installing

from hub.commands.install import SERVICE as HUB
from hub.places.programs import keep_program
from terminal.install import SERVICE as TERMINAL
from tests.links.campus import found_home
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
CUT = 9
Files = dict[Path, bytes]


def main(folder: Path) -> None:
    home, _, _ = found_home(folder / "hub")
    keep_program(home.programs, b"a node's")
    (folder / "campus").mkdir()
    make_home(folder / "terminal", Campus(folder / "campus"), simulated=False)
    print(*(cut_everywhere(service, folder / name) for service, name in ((HUB, "hub"), (TERMINAL, "terminal"))))


def cut_everywhere(service: Service, made: Path) -> int:
    whole = read(made)
    typed = made.with_name("typed")
    for touches in itertools.count():
        shutil.copytree(made, typed)
        was_cut = install(service, typed, touches)
        # Nothing is lost, wherever it is now.
        assert {**read(typed), **read(service.home)} == whole, touches
        assert not install(service, typed)
        assert (read(service.home), typed.exists()) == (whole, False), touches
        unit = service.unit.read_text("utf-8")
        assert f'ExecStart="{service.program}" ' in unit
        beside = {path for folder in (UNITS, STATES) for path in folder.iterdir() if service.name in path.name}
        assert beside == {service.unit, service.home}, touches
        service.unit.unlink()
        shutil.rmtree(service.home)
        if not was_cut:
            return touches
    raise AssertionError


def read(folder: Path) -> Files:
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(Path("hub.lock"), None)
    return found


def install(service: Service, typed: Path, touches: int | None = None) -> bool:
    """All but the start, in a process that is gone after so many touches of the disk; whether it was."""
    process = os.fork()
    if not process:
        left = touches

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            if event in TOUCHES and left is not None:
                if left == 0:
                    os._exit(CUT)
                left -= 1

        sys.addaudithook(count)
        try:
            with alone(service):
                for step in installing(service, typed):
                    if step.name != "start":
                        step.do()
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in (0, CUT)
    return code == CUT


if __name__ == "__main__":
    main(Path(sys.argv[1]))
