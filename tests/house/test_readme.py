"""What the README and PROTOCOL.md say of the code is so."""

import ast
import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from firstbell import clock, fields, flights, json_text, jws, messages, program

from hub.dispatch.rules_update import ATTEMPTS_MAX
from terminal.daemon import Daemon
from terminal.settings import Home
from tests.house.imports import ROOT
from tests.links.inner_hub import InnerHub

README = (ROOT / "README.md").read_text("utf-8")
PROTOCOL = (ROOT / "hub/PROTOCOL.md").read_text("utf-8")
GOLDEN = ROOT / "tests/golden"

_ROW = re.compile(r"^\| (\d+) \| `([\w/.]+)` · `([\w.]+)` \|", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#]+)")
_EXAMPLE = re.compile(r"^\| (terminal|hub) \| `(\{.*?\})`", re.MULTILINE)
STEPS = [(path, name) for _, path, name in _ROW.findall(README)]


def test_the_rows_of_one_press_are_counted() -> None:
    assert [int(number) for number, _, _ in _ROW.findall(README)] == list(range(1, len(STEPS) + 1))
    assert len(STEPS) == README.count("` · `") > 10


@pytest.mark.parametrize(("path", "name"), STEPS)
def test_what_a_row_names_is_there(path: str, name: str) -> None:
    assert name in set(defined(ast.parse((ROOT / path).read_text("utf-8")).body))


def defined(body: list[ast.stmt], above: str = "") -> Iterator[str]:
    """Qualified names of functions and of what stands in classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield above + node.name
        elif isinstance(node, ast.ClassDef):
            yield from defined(node.body, f"{above}{node.name}.")


class Calls:
    """Which of the named functions were called, in order, while it listens."""

    def __init__(self, steps: list[tuple[str, str]]) -> None:
        self._wanted = {(str(ROOT / path), name): (path, name) for path, name in steps}
        self._known: dict[CodeType, tuple[str, str] | None] = {}
        self.made: list[tuple[str, str]] = []

    def _called(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code not in self._known:
            self._known[code] = self._wanted.get((code.co_filename, code.co_qualname))
        step = self._known[code]
        if step is not None:
            self.made.append(step)

    @contextmanager
    def listening(self) -> Iterator[None]:
        sys.setprofile(self._called)
        try:
            yield
        finally:
            sys.setprofile(None)


@asynccontextmanager
async def running_terminal(home: Path) -> AsyncIterator[Daemon]:
    stopping = asyncio.Event()
    daemon = Daemon(Home(home), asyncio.get_running_loop(), stopping, lambda: None)
    task = asyncio.create_task(daemon.run())
    try:
        yield daemon
    finally:
        stopping.set()
        await task


async def test_a_press_goes_the_way_that_the_readme_says(tmp_path: Path) -> None:
    """Hub and terminal in this process, over real TLS; each row is called after the one before it."""
    hub = await InnerHub(tmp_path / "hub").start()
    try:
        enrolled = await hub.enrol()
        hub.write_terminal(tmp_path / "wall", enrolled)
        pager = await hub.pager(await hub.guard("王建国"))
        await pager.ready()
        async with running_terminal(tmp_path / "wall") as daemon:
            await hub.until_entry("event_recorded", what="started")
            calls = Calls(STEPS)
            with calls.listening():
                await daemon.press("panic", 60)
                await hub.until_entry("light_shown", light="recorded")
                page = (await pager.until(lambda frame: frame["pages"]))["pages"][0]
                await pager.answer(await pager.tap("accept", page["incident"]))
                await hub.until_entry("light_shown", light="coming")
    finally:
        await hub.stop()
    at = 0
    for step in STEPS:
        assert step in calls.made[at:], f"after {calls.made[:at][-1:]} comes no {step}"
        at = calls.made.index(step, at) + 1


# ── the wire ────────────────────────────────────────────────────────────────────────────────────────────────

BLANKS = {
    "<base64url, 32 bytes>": "A" * 43,
    "<digest>": "0" * 64,
    "<SHA-256>": "0" * 64,
    "<signed note>": "note",
    "<text>": "{}",
    "<base64>": "A" * 43 + "=",
    "hub_ms received": "1",
    "hub_ms sent": "1",
    '"t1_ms":mono': '"t1_ms":1',
    '"t1_ms":…': '"t1_ms":1',
    "…": "a",
    ":N": ":1",
}
"""What stands in the examples where a terminal has something of its own to say."""


def examples() -> list[tuple[str, str]]:
    """Who says it, and the frame, of the terminal's table."""
    table = PROTOCOL[PROTOCOL.index("### In order") : PROTOCOL.index("**hello**, signed")]
    found = []
    for who, text in _EXAMPLE.findall(table):
        frame = text
        for blank, filled in BLANKS.items():
            frame = frame.replace(blank, filled)
        found.append((who, frame))
    return found


def golden_kinds(who: str) -> set[str]:
    return {json.loads(text)["type"] for text in json.loads((GOLDEN / "frames.json").read_text())[who]}


def test_every_example_of_a_frame_is_one() -> None:
    read = {"hub": messages.parse_hub_frame, "terminal": messages.parse_terminal_frame}
    written: dict[str, set[str]] = {"hub": set(), "terminal": set()}
    for who, text in examples():
        frame = read[who](text)
        # Nothing is shown that is passed over when it is read, and in no other order.
        assert list(frame) == list(json.loads(text)), text
        written[who].add(frame["type"])
    assert written == {who: golden_kinds(who) for who in written}
    assert written == {"hub": set(messages.HUB_FRAMES), "terminal": set(messages.TERMINAL_FRAMES)}


def signed_example(name: str) -> dict[str, Any]:
    """The payload that PROTOCOL.md shows for **name**, with numbers for the capital letters."""
    text = PROTOCOL.partition(f"**{name}**, signed: `")[2].partition("`")[0]
    text = re.sub(r":[A-Z]\b", ":1", text).replace("t-…", "t-pi22222222")
    payload: dict[str, Any] = json.loads(text.replace("<the challenge's>", "A" * 43))
    return payload


def test_what_a_terminal_signs_is_as_shown() -> None:
    hello, event = signed_example("hello"), signed_example("event")
    assert list(messages.parse_hello(json.dumps(hello).encode()))[1:] == list(hello)
    assert list(messages.parse_event(json.dumps(event).encode()))[1:] == list(event)
    golden = [json.loads(case["payload"]) for case in json.loads((GOLDEN / "signed.json").read_text())["signed"]]
    assert {tuple(payload) for payload in golden} == {tuple(hello), (*hello, "tried"), tuple(event)}


def test_the_words_of_the_wire_are_the_codes_own() -> None:
    terminal = PROTOCOL[: PROTOCOL.index("## Pager")]
    table = terminal.partition("**Refusals**")[2].partition("\n\n")[0]
    reasons = {word for row in table.split("\n")[2:] for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    code = "".join(
        (ROOT / path).read_text("utf-8")
        for path in (
            "hub/links/terminal_session.py",
            "hub/dispatch/engine.py",
            "firmware/lib/firstbell/jws.py",
            "firmware/lib/firstbell/messages.py",
        )
    )
    said = set(re.findall(r'(?:_Refused|JwsError|FrameError|refused_frame|refused=)\(?"(\w+)"', code))
    assert reasons == said
    whats = set(re.findall(r"`(\w+)`", terminal.partition("- `what`: ")[2].partition("\n")[0]))
    assert whats == set(fields.WHATS)


def test_the_limits_of_the_wire_are_the_codes_own() -> None:
    for limit in (
        f"at most {messages.FRAME_BYTES_MAX} bytes",
        f"at most {json_text.NESTING_MAX} deep",
        f"at most {messages.ENTRY_CHARS_MAX} characters",
        f"at most {messages.SOFTWARE_CHARS_MAX} characters",
        f"`checkpoint` at most {messages.CHECKPOINT_CHARS_MAX}",
        f"at most {jws.JWS_BYTES_MAX} bytes",
        f"within {messages.HELLO_MS_MAX // 1000} s",
        f"then every {messages.HEARTBEAT_MS // 1000} s",
        f"**Silence**: {messages.SILENCE_MS_MAX // 1000} s",
        f"at most {messages.WINDOW_EVENTS_MAX} of those",
        f"up to {flights.FLIGHT_EVENTS_MAX - messages.WINDOW_EVENTS_MAX} beyond",
        f"for {flights.RESEND_MS // 1000} s goes again",
        f"for {flights.RELEASE_MS // 1000} s *and*",
        f"after {messages.REFUSALS_MAX} refusals",
        f"at most {fields.PART_BYTES_MAX} bytes, none behind the end",
        f"at most {program.PROGRAM_BYTES_MAX} bytes and {program.FILES_MAX} files",
        f"at most {ATTEMPTS_MAX} times",
        f"({clock.CLOCK_DRIFT_PPM_MAX} ppm for both",
        f"newest {clock.EXCHANGES_MAX} exchanges",
    ):
        assert limit in PROTOCOL, limit


@pytest.mark.parametrize(
    "path", ["README.md", "hub/PROTOCOL.md", "hub/ledger/README.md", "firmware/lib/firstbell/README.md"]
)
def test_what_a_text_points_to_is_there(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    links = [link for link in _LINK.findall(text) if "://" not in link]
    assert [link for link in links if not ((ROOT / path).parent / link).exists()] == []
    named = re.findall(r"`((?:hub|terminal|firmware|tests|hardware|systemd)/[\w./-]*)`", text)
    later = {"hardware/", "systemd/"} if path == "README.md" else set()
    assert [name for name in named if not (ROOT / name).exists() and name not in later] == []
