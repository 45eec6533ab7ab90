"""`firstbell-terminal` as it is typed: texts in two languages, JSON, exit codes."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from firstbell.press import PANIC, PERIMETER, RESTORED, STUCK, SUPPLY, TAMPER
from firstbell_linux.problems import Problem
from firstbell_linux.words import LANGUAGES, Words, command_words

from hub.links.announce import Announcement
from terminal.commands import Run, build, main
from terminal.control import ask, parse_problem
from terminal.problems import ControlError
from terminal.settings import Home
from tests.terminal.conftest import Terminals
from tests.terminal.real_terminal import COMMAND, make_home
from tests.terminal.small_hub import Campus, SmallHub
from tests.terminal.test_daemon import quiet

NOBODY = 65_534
HAN = re.compile(r"[\u4e00-\u9fff]")


def words(language: str) -> Words:
    return command_words("terminal", language)


async def type_in(home: Path, *arguments: str, language: str = "en") -> tuple[int | None, str, str]:
    """Exit code, stdout, stderr."""
    environment = {**os.environ, "FIRSTBELL_LANG": language, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "--home", str(home), *arguments), stdout=-1, stderr=-1, env=environment
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


async def test_a_press_by_command(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    home = terminal.home.path
    code, out, err = await type_in(home, "press", "panic", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    (event,) = answer["events"]
    assert (answer["ok"], event["what"]) == (True, "panic")
    await hub.until(lambda: event["event"] in hub.arrived_ms)
    code, out, _ = await type_in(home, "press", "panic_2", "--hold-ms", "50")
    assert code == 0
    assert re.fullmatch(r"panic_2: button pressed, event [0-9a-f]{64}\n", out)
    code, out, _ = await type_in(home, "press", "door", language="zh-CN")
    assert re.fullmatch(r"door：周界报警，事件 [0-9a-f]{64}\n", out)
    happen = (PANIC, PERIMETER, TAMPER, SUPPLY, STUCK, RESTORED)
    assert [what for what in happen for one in LANGUAGES if not words(one).has(f"event.{what}")] == []
    code, out, err = await type_in(home, "press", "panic", "--hold-ms", "10")
    assert (code, out) == (1, "")
    assert err == "Held for 10 ms: too short, nothing was counted (press_ms_min is 30).\n"
    code, out, err = await type_in(home, "press", "window", "--json")
    assert (code, json.loads(out)["problem"]) == (3, "no_such_input")
    assert "It has: panic, panic_2, door." in err
    code, out, err = await type_in(home, "press", os.fsdecode(b"\xff"), "--json")
    assert (code, json.loads(out)["problem"]) == (2, "usage")
    assert "no text" in err


async def test_a_press_on_a_real_terminal_is_refused(campus: Campus, tmp_path: Path) -> None:
    home, _ = make_home(tmp_path / "t", campus)
    home.settings.write_text(home.settings.read_text().replace("pins = true", "pins = false"))
    code, out, err = await type_in(home.path, "press", "panic")
    assert (code, out) == (4, "")
    assert "real pins" in err
    code, _, err = await type_in(home.path, "press", "panic", language="zh-CN")
    assert (code, "真引脚" in err) == (4, True)


async def test_status_says_what_is_shown_and_known(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    code, out, _ = await type_in(terminal.home.path, "status")
    assert code == 0
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    fields = {name: value.strip() for name, value in lines.items()}
    assert fields["hub"] == f"linked, 127.0.0.1:{hub.port}"
    assert fields["light"] == "out"
    assert fields["inputs"] == "panic open, panic_2 open, door closed"
    assert fields["events without receipt"] == "0"
    assert re.fullmatch(r"\d+ ms", fields["hub's time known to"])
    code, out, _ = await type_in(terminal.home.path, "status", language="zh_CN.UTF-8")
    assert "已连接" in out
    assert "墙上终端" in out
    await hub.stop()
    await terminal.until(lambda state: not state["linked"] and state["problems"])
    code, out, _ = await type_in(terminal.home.path, "status", "--json")
    status = json.loads(out)
    assert (code, status["linked"], status["boot"]) == (1, False, 1), "it says what is wrong"
    _, out, _ = await type_in(terminal.home.path, "status")
    assert "The hub does not answer" in out
    await hub.start()


async def test_no_terminal_runs_here(campus: Campus, tmp_path: Path) -> None:
    home, _ = make_home(tmp_path / "t", campus)
    for typed in (["status"], ["press", "panic"]):
        code, out, err = await type_in(home.path, *typed)
        assert (code, out) == (3, "")
        assert f"firstbell-terminal --home {home.path} run" in err
    # One that was killed left its socket behind.
    home.control.touch()
    assert (await type_in(home.path, "status"))[0] == 3


@pytest.mark.parametrize(
    ("typed", "code", "english", "chinese"),
    [
        (["run", "--colour"], 2, "There is no option --colour.", "没有 --colour 这个选项。"),
        (["press"], 2, "'INPUT' is missing.", "缺少 'INPUT'。"),
        (["press", "panic", "--hold-ms", "-1"], 2, "'--hold-ms' is not right", "'--hold-ms' 写得不对"),
        (["nonsense"], 2, "There is no command nonsense.", "没有 nonsense 这个命令。"),
        (["status", "now"], 2, "Too much was typed: now", "多写了：now"),
        ([], 2, "A command is missing.", "缺少命令。"),
        (
            ["run"],
            3,
            "The settings cannot be read: there is no such file or folder.",
            "读不到设置：没有这个文件或文件夹。",
        ),
        (["status"], 3, "No terminal runs in this folder.", "这个文件夹里没有终端在运行。"),
    ],
)
async def test_what_goes_wrong_is_said_in_both_languages(
    typed: list[str], code: int, english: str, chinese: str, tmp_path: Path
) -> None:
    for language, text in (("en", english), ("zh", chinese)):
        got, out, err = await type_in(tmp_path, *typed, language=language)
        assert (got, out) == (code, "")
        assert text in err


@pytest.mark.parametrize("typed", [["press"], ["press", "panic", "--hold-ms", "soon"], ["status", "now"], ["nonsense"]])
async def test_what_was_typed_wrongly_as_json(typed: list[str], tmp_path: Path) -> None:
    code, out, err = await type_in(tmp_path, *typed, "--json")
    answer = json.loads(out)
    assert (code, answer["problem"]) == (2, "usage")
    assert err == f"{answer['what']}\n{answer['do']}\n"


@pytest.mark.parametrize(
    "typed", [["status", "--json"], ["doctor"], ["doctor", "--json"], ["--help"], ["nonsense", "--json"]]
)
def test_nobody_reads_what_is_said(typed: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as nobody:
        command = [str(COMMAND), "--home", str(tmp_path), *typed]
        said = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False)
    assert said.returncode != 0
    assert [word for word in ("Broken pipe", "BrokenPipe", "Traceback") if word in said.stderr] == []


@pytest.mark.parametrize("typed", [["status", "--json"], ["doctor"], ["doctor", "--json"], ["nonsense", "--json"]])
def test_what_is_said_goes_to_a_full_disk(typed: list[str], tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [str(COMMAND), "--home", str(tmp_path), *typed]
        environment = {**os.environ, "FIRSTBELL_LANG": "en"}
        said = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert said.returncode == 4
    assert "the disk is full" in said.stderr
    assert [word for word in ("Traceback", "defect", "OSError") if word in said.stderr] == []


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("typed", [[b"doctor"], [b"status"], [b"press", b"\xfe"], [b"\xfe"]])
def test_bytes_that_are_no_text(typed: list[bytes], locale: str, tmp_path: Path) -> None:
    """What is said is text all the same, whatever the locale makes of it."""
    command = [os.fsencode(COMMAND), b"--home", bytes(tmp_path) + b"/\xff", *typed]
    variables = {**os.environ, "LC_ALL": locale}
    for form in ([], [b"--json"]):
        ran = subprocess.run([*command, *form], capture_output=True, env=variables, check=False)
        assert ran.returncode in (1, 2, 3)
        assert "Traceback" not in ran.stdout.decode() + ran.stderr.decode()
        assert not form or {"problem", "findings"} & json.loads(ran.stdout).keys()


def run_here(language: str, *arguments: str) -> tuple[object, str]:
    """In this process, for what needs no daemon: the exit code, and all that was said."""
    result = CliRunner().invoke(build(Run(words(language))), arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.output


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_defect_is_a_sentence(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_said: object) -> None:
        raise KeyError("nobody thought of it")

    monkeypatch.setattr("terminal.commands.build", broken)
    monkeypatch.setattr("sys.argv", ["firstbell-terminal", "status", "--json"])
    monkeypatch.setenv("FIRSTBELL_LANG", language)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, json.loads(said.out)["problem"]) == (1, "defect")
    assert "nobody thought of it" in said.err
    assert "Traceback" not in said.err
    monkeypatch.setenv("FIRSTBELL_TRACEBACK", "1")
    with pytest.raises(SystemExit):
        main()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_to_copy_holds_a_folder_with_blanks_together(language: str) -> None:
    for where, copied in (("/my home", "--home '/my home' run"), ("/home", "--home /home run")):
        assert copied in words(language).problem(Problem("not_running", where))[1]


def test_help_in_both_languages() -> None:
    for arguments in ([], *([name] for name in ("run", "press", "status", "doctor"))):
        _, english = run_here("en", *arguments, "--help")
        assert english.startswith("Usage: ")
        assert not HAN.search(english)
        _, chinese = run_here("zh-CN", *arguments, "--help")
        assert HAN.search(chinese)
        assert "Usage" not in chinese
        for word in ("Options", "OPTIONS", "COMMAND", "default"):
            assert word not in chinese
    for language, says in (("en", "Exit codes: "), ("zh-CN", "退出码：")):
        codes = re.findall(r"\b([0-9])\s", run_here(language, "--help")[1].partition(says)[2])
        assert codes == list("012345")


@pytest.mark.parametrize("command", [["run"], ["press", "panic"], ["status"], ["doctor"]])
def test_a_home_that_is_typed_counts_before_the_environment_wherever_it_stands(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTBELL_HOME", str(tmp_path / "environment"))
    typed = str(tmp_path / "typed")
    for arguments in (["--home", typed, *command], [*command, "--home", typed]):
        _, said = run_here("en", *arguments)
        shown = "".join(said.split())
        assert (f"Where:{typed}" in shown, "environment" in shown) == (True, False), said
    _, said = run_here("en", *command)
    assert "environment" in "".join(said.split())


async def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    for typed, status in ((["run"], 3), (["status"], 3), (["press", "panic"], 3), (["doctor"], 1)):
        code, out, err = await type_in(tmp_path / "nowhere", *typed)
        assert code == status
        for says in (
            "The terminal's folder cannot be read: there is no such file or folder.",
            f"Where: {tmp_path}/nowhere",
            "--home",
        ):
            assert says in out + err


async def test_a_terminal_that_stands_still_is_said(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    terminal.process.send_signal(signal.SIGSTOP)
    try:
        code, out, _ = await type_in(terminal.home.path, "status", "--json")
        _, found = await findings(terminal.home)
    finally:
        terminal.process.send_signal(signal.SIGCONT)
    assert (code, json.loads(out)["problem"]) == (1, "terminal_stalled")
    assert found["running"]["problem"]["name"] == "terminal_stalled"


async def test_whom_the_terminal_does_not_hear_is_told(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(ControlError) as caught:
            ask(terminal.home.control, {"do": "status"})
    finally:
        os.seteuid(0)
    assert caught.value.problem.name == "terminal_denied"


# ── doctor ──────────────────────────────────────────────────────────────────────────────────────────────────


async def findings(home: Home) -> tuple[int | None, dict[str, dict[str, Any]]]:
    code, out, _ = await type_in(home.path, "doctor", "--json")
    answer = json.loads(out)
    assert answer["ok"] == all(finding["ok"] for finding in answer["findings"])
    assert (code == 0) == answer["ok"]
    return code, {finding["part"]: finding for finding in answer["findings"]}


async def test_a_healthy_terminal(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    _, found = await findings(terminal.home)
    # But for what no test has.
    assert [part for part, finding in found.items() if not finding["ok"]] == ["pins"]
    assert set(found) == {"settings", "key", "ca", "vkey", "pins", "disk", "hub", "running", "clock"}
    assert found["hub"]["detail"] == f"127.0.0.1:{hub.port} hub.internal"
    code, out, _ = await type_in(terminal.home.path, "doctor", language="zh-CN")
    assert (code, out.splitlines()[-1]) == (1, "1 处不对。")
    await terminal.end()
    _, found = await findings(terminal.home)
    # Not running is what it should be before it is armed; but it is said.
    running = found["running"]
    assert (running["ok"], running["problem"]["name"], "clock" in found) == (True, "not_running", False)
    for language, says in (("en", "NOT RUNNING"), ("zh-CN", "没有运行")):
        _, out, _ = await type_in(terminal.home.path, "doctor", language=language)
        assert says in out
    # Looking left no trace at the hub but a connection that never said who it is.
    assert len(hub.hellos) == 1


async def test_a_hub_that_is_found_on_the_lan_makes_no_noise(campus: Campus, hub: SmallHub, tmp_path: Path) -> None:
    home, _ = make_home(tmp_path / "t", campus, "")
    announcement = Announcement("c-abcdefghij", "hub.internal", ["127.0.0.1"], hub.port)
    await announcement.start()
    try:
        _, out, err = await type_in(home.path, "doctor", "--json")
    finally:
        await announcement.stop()
    wrong = [finding["part"] for finding in json.loads(out)["findings"] if not finding["ok"]]
    assert (err, wrong) == ("", ["pins"])


@pytest.mark.parametrize(
    ("part", "name", "harm"),
    [
        ("settings", "settings_wrong_value", lambda home: change(home, "pin = 17", "pin = 99")),
        ("key", "key_open", lambda home: home.key.chmod(0o640)),
        ("key", "key_malformed", lambda home: home.key.write_text("c2hvcnQ\n")),
        ("key", "key_unreadable", lambda home: home.key.unlink()),
        ("ca", "ca_malformed", lambda home: home.ca.write_text("-----BEGIN CERTIFICATE-----\n")),
        ("ca", "ca_unreadable", lambda home: home.ca.unlink()),
        ("vkey", "vkey_malformed", lambda home: home.vkey.write_text("hub.internal/log+12345678+AAAA")),
        ("vkey", "vkey_unreadable", lambda home: home.vkey.unlink()),
        ("pins", "pins_simulated", lambda home: None),
        ("pins", "pins_no_lgpio", lambda home: change(home, "pins = true", "pins = false")),
        ("hub", "hub_wrong_name", lambda home: change(home, "hub.internal", "other.internal")),
        ("hub", "hub_no_answer", lambda home: change(home, 'address = "127.0.0.1:', 'address = "127.0.0.2:')),
    ],
)
async def test_what_is_wrong_is_named(
    part: str, name: str, harm: Callable[[Home], None], campus: Campus, hub: SmallHub, tmp_path: Path
) -> None:
    home, _ = make_home(tmp_path / "t", campus, f"127.0.0.1:{hub.port}")
    harm(home)
    code, said = await asyncio.to_thread(run_here, "en", "--home", str(home.path), "doctor", "--json")
    answer = json.loads(said)
    found = {finding["part"]: finding for finding in answer["findings"]}
    assert (code, answer["ok"]) == (1, False)
    problem = found[part]["problem"]
    assert problem["name"] == name
    for language in LANGUAGES:
        code, said = await asyncio.to_thread(run_here, language, "--home", str(home.path), "doctor")
        assert code == 1
        shown = "".join(said.split())
        told = parse_problem(problem)
        for text in (*words(language).problem(told), told.where):
            assert "".join(text.split()) in shown
    # And `run` says the same instead of limping on, where it can't go on.
    if part in ("settings", "ca", "vkey") or name in ("key_malformed", "key_unreadable", "pins_no_lgpio"):
        status, _, err = await type_in(home.path, "run")
        assert status in (1, 3, 4)
        assert problem["what"] in err


def change(home: Home, old: str, new: str) -> None:
    text = home.settings.read_text()
    assert old in text
    home.settings.write_text(text.replace(old, new, 1))


async def test_a_running_terminal_with_trouble_is_told(campus: Campus, terminals: Terminals) -> None:
    terminal = await terminals()
    await terminal.until(lambda state: state["problems"])
    _, found = await findings(terminal.home)
    assert found["running"]["problem"]["name"] == "hub_no_answer"
    assert found["clock"]["problem"]["name"] == "clock_unknown"
    assert found["hub"]["problem"]["name"] == "hub_no_answer"
    assert found["pins"]["problem"]["name"] == "pins_simulated"
