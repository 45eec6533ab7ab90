"""Thousands of odd WebSocket messages: never an error in the hub, and it goes on serving."""

from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.fuzz.odd import tokens
from tests.fuzz.saying import PagerFrames, Right, TerminalFrames, message
from tests.fuzz.under_fire import UnderFire, under_fire
from tests.links.line import Line
from tests.links.raw_terminal import RawTerminal

# Thousands of cases each, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)

TERMINAL_CASES = 8_000
PAGER_CASES = 6_000
AT_ONCE = 12
"""Messages on one connection: fewer than the refusals that end it."""
CLOSED_BY_RULE = (1007, 1008, 1009)
"""Not text, refused, too long; 1011 would be an error of the hub's."""
CUT = 1006
"""What was on its way when the hub closed may reset the line before its goodbye is seen."""
LAST = 77

Open = Callable[[], Awaitable[tuple[Line, Right]]]
messages = st.lists(tokens, min_size=AT_ONCE, max_size=AT_ONCE)


@pytest.fixture(scope="module")
def fire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnderFire]:
    with under_fire(tmp_path_factory.mktemp("campus") / "hub") as fire:
        yield fire


async def say_all(open_line: Open, said: list[bytes]) -> int:
    """Each of them on a line that was open; where one of them closed it, on a new one. How many."""
    line, right = await open_line()
    for token in said:
        if line.code is not None:
            line, right = await open_line()
        text = message(token, right)
        note(f"{token.hex()}: {text!r}")
        await say(line, text)
    await finish(line)
    return len(said)


async def say(line: Line, text: str | bytes) -> None:
    try:
        await line.send(text)
    except UnicodeEncodeError:
        # Half a character is said as a client would that looks at nothing.
        await line.send(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    except (ConnectionError, aiohttp.ClientError):
        # The hub has closed it already, for what came before.
        await line.closed()


async def finish(line: Line) -> None:
    """The hub has read everything: it answers, or has closed by a rule."""
    await say(line, f'{{"type":"heartbeat","t1_ms":{LAST}}}')
    looked = 0
    while line.code is None and not any(frame.get("t1_ms") == LAST for frame in line.frames[looked:]):
        looked = len(line.frames)
        await line.more(looked)
    assert line.code in (None, *CLOSED_BY_RULE, CUT), line.code
    await line.close()


def test_what_terminals_may_say(fire: UnderFire) -> None:
    terminal = fire.hub.raw_terminal(fire.run(fire.hub.enrol()))
    cases = 0

    async def stranger() -> tuple[Line, Right]:
        line = await terminal.open()
        return line, TerminalFrames(terminal, line.frames[0]["nonce"])

    async def linked() -> tuple[Line, Right]:
        line = await terminal.link()
        return line, TerminalFrames(terminal, line.frames[0]["nonce"])

    @settings(max_examples=-(-TERMINAL_CASES // AT_ONCE))
    @given(st.integers(0, 9), messages)
    def play(kind: int, said: list[bytes]) -> None:
        nonlocal cases
        cases += fire.run(say_all(linked if kind else stranger, said))
        assert fire.complaints == []

    play()
    assert cases >= TERMINAL_CASES
    fire.run(fire.serves())


def test_what_pagers_may_say(fire: UnderFire) -> None:
    hub = fire.hub

    async def open_case() -> tuple[RawTerminal, str, str, str]:
        guard = await hub.guard("王建国")
        terminal = hub.raw_terminal(await hub.enrol())
        line = await terminal.link()
        event = terminal.event()
        await line.send({"type": "event", "jws": event})
        incident = (await hub.recorded(event))["incident"]
        await line.close()
        return terminal, incident, guard, await hub.pager_cookie()

    terminal, incident, guard, cookie = fire.run(open_case())
    frames = PagerFrames(incident, terminal)
    cases = 0

    async def signed_on() -> tuple[Line, Right]:
        """The guard may have signed off meanwhile."""
        await hub.sign_on(cookie, guard)
        return (await hub.pager(cookie=cookie)).line, frames

    @settings(max_examples=-(-PAGER_CASES // AT_ONCE))
    @given(messages)
    def play(said: list[bytes]) -> None:
        nonlocal cases
        cases += fire.run(say_all(signed_on, said))
        assert fire.complaints == []

    play()
    assert cases >= PAGER_CASES
    fire.run(fire.serves())
