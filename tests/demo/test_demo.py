"""`firstbell-hub demo` as its user has it: a process, its output, its exit code."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from firstbell.note import parse_vkey

from hub.demo.server import demo_texts
from hub.demo.show import tell_line
from hub.demo.story import STEPS
from hub.ledger.verify import verify
from hub.words import words
from tests.hub.web.running import free_port

HUB = Path(sys.executable).parent / "firstbell-hub"
TERMINAL = Path(sys.executable).parent / "firstbell-terminal"
STORY_S_MAX = 20
START_S_MAX = 20


@pytest.mark.parametrize("board", ["pi", "pico"])
def test_once_tells_the_whole_story(board: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [HUB, "--home", tmp_path / "campus", "demo", "--once", "--json", "--terminal", board],
        capture_output=True,
        text=True,
        timeout=STORY_S_MAX,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    times = [told[step] for step in STEPS]
    assert all(type(time_ms) is int for time_ms in times)
    assert told["verified"] is True
    in_order = ("pressed_ms", "received_ms", "paged_ms", "delivered_ms", "accepted_ms", "on_scene_ms", "resolved_ms")
    assert [told[step] for step in in_order] == sorted(told[step] for step in in_order)
    assert told["received_ms"] <= told["recorded_ms"]
    home = Path(told["home"])
    vkey = parse_vkey((home / "log.vkey").read_text().strip())
    assert verify(home / "hub.db", vkey).size == told["entries"]


@pytest.mark.parametrize(("language", "unit"), [("en", "ms"), ("zh-CN", "毫秒")])
def test_once_tells_each_step_with_its_time(language: str, unit: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [HUB, "--home", tmp_path / "campus", "demo", "--once"],
        capture_output=True,
        text=True,
        timeout=STORY_S_MAX,
        check=False,
        env={**os.environ, "FIRSTBELL_LANG": language},
    )
    assert ran.returncode == 0, ran.stderr
    *steps, _told = ran.stdout.splitlines()
    said = [re.fullmatch(rf" +\+(\d+) {unit}  (.+)", line) for line in steps]
    times = [int(line[1]) for line in said if line]
    assert len(times) == len(STEPS), ran.stdout
    assert times == sorted(times)
    assert {line[2] for line in said if line} == {words(language).say(f"demo.{step}") for step in STEPS}


def test_a_port_that_is_taken_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run(
            [HUB, "--home", tmp_path / "campus", "demo", "--port", port],
            capture_output=True,
            text=True,
            timeout=START_S_MAX,
            check=False,
        )
    assert ran.returncode == 4, ran.stderr
    assert f"localhost:{port}" in ran.stderr
    assert "--port N" in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", [["--once"], []])
def test_it_never_runs_in_a_folder_that_holds_something(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_text("theirs")
    ran = subprocess.run(
        [HUB, "--home", tmp_path, "demo", *typed, "--json"],
        capture_output=True,
        text=True,
        timeout=START_S_MAX,
        check=False,
    )
    said = json.loads(ran.stdout)
    assert (ran.returncode, said["problem"], said["where"]) == (2, "demo_not_empty", str(tmp_path)), ran.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["hub.db"]


def test_its_own_home(tmp_path: Path) -> None:
    """Whatever the environment names. (The test's own name is part of the sockets' paths, which have a limit.)"""
    theirs, temporary = tmp_path / "theirs", tmp_path / "t"
    temporary.mkdir()
    process = subprocess.Popen(
        [HUB, "demo", "--json", "--port", str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "FIRSTBELL_HOME": str(theirs), "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    there = json.loads(process.stdout.readline())
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    given = [Path(f"/proc/{child}/environ").read_bytes() for child in children]
    process.terminate()
    process.communicate(timeout=START_S_MAX)
    assert Path(there["home"]).is_relative_to(temporary)
    assert not theirs.exists()
    assert len(children) >= 6
    assert not any(b"FIRSTBELL_HOME=" in child for child in given)


def test_it_ends_when_its_reader_has_gone(demo: tuple[subprocess.Popen[str], dict[str, Any]]) -> None:
    process, there = demo
    assert process.stdout is not None
    process.stdout.close()
    try:
        status = process.wait(START_S_MAX)
    finally:
        process.kill()
        _, said = process.communicate()
    assert (status, said) == (0, "")
    assert not Path(f"/proc/{there['hub_pid']}").exists()


@pytest.mark.parametrize(
    ("language", "says"), [("en", "trouble: nobody can be reached"), ("zh-CN", "故障：没人能接警")]
)
def test_a_trouble_is_told_in_words(language: str, says: str) -> None:
    happening = {"what": "committed", "entry": {"kind": "trouble_began", "what": "unreachable"}}
    assert tell_line(happening, {}, demo_texts(language), words(language).say) == says


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [HUB, "--home", tmp_path / "campus", "demo", "--json", "--port", str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process, json.loads(process.stdout.readline())
    process.kill()
    process.communicate()


def test_it_ends_when_its_screen_has_gone(demo: tuple[subprocess.Popen[str], dict[str, Any]]) -> None:
    process, there = demo
    process.send_signal(signal.SIGHUP)
    assert process.wait(START_S_MAX) == 0
    assert [one for one in (there["hub_pid"], *(wall["pid"] for wall in there["terminals"])) if alive(one)] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_one_that_is_ended_before_its_end_leaves_nobody_running(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [HUB, "--home", tmp_path / "campus", "demo", "--once", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FIRSTBELL_LANG": "en"},
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        # The hub and the first terminal: there is nothing else to tell how far it has come.
        while len(started := children.read_text().split()) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=START_S_MAX)
    assert (process.returncode, json.loads(out)["problem"]) == (1, "aborted"), err
    assert [one for one in started if alive(int(one))] == []


def alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def test_it_can_be_driven_and_ends_cleanly(demo: tuple[subprocess.Popen[str], dict[str, Any]]) -> None:
    process, there = demo
    assert process.stdout is not None
    assert [terminal["board"] for terminal in there["terminals"]] == ["pi", "pi", "pico", "pi"]
    for terminal in there["terminals"]:
        assert Path(f"/proc/{terminal['pid']}").exists()
    trusting = ssl.create_default_context(cafile=there["ca_file"])
    with urllib.request.urlopen(f"{there['base_url']}/checkpoint", context=trusting) as answer:  # noqa: S310
        assert answer.read().decode().partition("\n")[0] == parse_vkey(there["log_vkey"]).name
    pagers = set()
    for _window in range(2):
        with urllib.request.urlopen(there["demo_url"]) as answer:  # noqa: S310
            assert "Content-Security-Policy" in answer.headers
            pagers.add(answer.headers["Set-Cookie"])
    assert len(pagers) == 1, "a second window is the same pager"
    for link in there["links"].values():
        with urllib.request.urlopen(link) as answer:  # noqa: S310
            assert answer.status == 200
    wall = there["terminals"][0]
    pressed = subprocess.run(
        [TERMINAL, "--home", wall["home"], "press", wall["inputs"][0]], capture_output=True, text=True, check=False
    )
    assert pressed.returncode == 0, pressed.stderr
    for line in process.stdout:
        if json.loads(line)["what"] == "incident_raised":
            break
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_S_MAX) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    for terminal in there["terminals"]:
        with pytest.raises(ProcessLookupError):
            os.kill(terminal["pid"], 0)
