"""README's campus of one's own, command by command, as it stands there."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.hub.commands.typed import PIN, SCRIPT, START_S_MAX
from tests.hub.web.running import free_port

ROOT = Path(__file__).resolve().parents[3]
RUNS = ("serve", "run")
"""What does not end by itself."""


def commands() -> list[list[str]]:
    section = (ROOT / "README.md").read_text().partition("## A campus of your own")[2].partition("```\n")[2]
    return [shlex.split(line, comments=True) for line in section.partition("```")[0].splitlines()]


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(START_S_MAX) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


def test_it_works_as_it_is_written(tmp_path: Path) -> None:
    (export, variable), *typed = commands()
    assert export == "export"
    name, _, value = variable.partition("=")
    home = {"HOME": str(tmp_path), "FIRSTBELL_LANG": "en"}
    environment = {**os.environ, **home, name: value.replace("~", str(tmp_path))}
    assert [command[-1] for command in typed if command[-1] in RUNS] == list(RUNS)
    with ExitStack() as background:
        for number, (program, *arguments) in enumerate(typed):
            command = [str(SCRIPT.with_name(program)), *(one.replace("~", str(tmp_path)) for one in arguments)]
            if arguments[0] == "init":
                # Of this machine's many ports one that is free, and its own name in place of the school's.
                command += ["--port", str(free_port()), "--join-port", "0"]
                command[command.index("hub.lan")] = "localhost"
            if arguments[-1] in RUNS:
                background.enter_context(running(command, environment, tmp_path / f"{number}.log"))
                continue
            said = _until_it_is_there(command, environment)
            assert _is_well(said), (command, said.stdout, said.stderr)
            if "enrol" in command:
                # This machine has no pins.
                settings = tmp_path / "gym/settings.toml"
                settings.write_text(f"{settings.read_text()}\n[simulated]\npins = true\n")


def _until_it_is_there(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """What was started a moment ago may not listen yet; nothing else tells."""
    for _ in range(100):
        said = subprocess.run(
            command, env=environment, input=f"{PIN}\n", capture_output=True, text=True, timeout=START_S_MAX, check=False
        )
        starting = said.returncode == 5 or "doctor" in command
        if _is_well(said) or not starting:
            break
    return said


def _is_well(said: "subprocess.CompletedProcess[str]") -> bool:
    """Simulated pins are one thing wrong, and the only one."""
    return said.returncode == 0 or (said.args[-1] == "doctor" and "1 wrong." in said.stdout)


def test_the_checkpoint_that_it_fetches_is_served() -> None:
    text = (ROOT / "README.md").read_text()
    assert re.search(r"curl --cacert ~/campus/keys/ca.pem https://hub.lan:8443/checkpoint -o checkpoint", text)
