"""The same oddities at a hub in a process of its own, on the loop that it really runs on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.fuzz.asking import Asker
from tests.fuzz.odd import tokens
from tests.fuzz.saying import PagerFrames, Right, TerminalFrames
from tests.fuzz.test_frames import AT_ONCE, say_all
from tests.fuzz.test_requests import BUSY, ask, furnish
from tests.links.hub_process import HubProcess
from tests.links.line import Line
from tests.links.raw_terminal import event_frame, receipt_of

# Thousands of cases each, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)

EXAMPLES = 15
CASES = 3 * EXAMPLES * AT_ONCE
"""Of terminals, of pagers and of browsers, as many each."""


class Process:
    """A hub and the test's own loop, which stands still between examples."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self.run = runner.run
        self.hub = HubProcess(folder)
        self.cases = 0
        self.run(self._furnish())

    async def _furnish(self) -> None:
        hub = await self.hub.start()
        known, pager, secret = await furnish(hub)
        self.terminal = hub.raw_terminal(await hub.enrol("楼顶"))
        self.pager_frames = PagerFrames(known[0], self.terminal)
        self.guard = await hub.guard("李敏")
        self.cookie = await hub.pager_cookie()
        self.requests = Asker(hub.url, known, (pager,), secret)

    async def linked(self) -> tuple[Line, Right]:
        line = await self.terminal.link()
        return line, TerminalFrames(self.terminal, line.frames[0]["nonce"])

    async def signed_on(self) -> tuple[Line, Right]:
        await self.hub.sign_on(self.cookie, self.guard)
        return (await self.hub.pager(cookie=self.cookie)).line, self.pager_frames

    async def ask_all(self, said: list[bytes]) -> int:
        for token in said:
            asked = self.requests.request(Random(token))
            note(f"{token.hex()}: {asked}")
            status = await ask(self.hub, asked)
            assert status < 500 or status == BUSY, asked
        return len(said)

    async def serves(self) -> None:
        terminal = self.hub.raw_terminal(await self.hub.enrol("最后"))
        line = await terminal.link()
        press = terminal.event()
        await line.send(event_frame(press))
        await line.until(receipt_of(press))
        assert (await self.hub.recorded(press))["incident"]
        assert not (await self.hub.get("/control/status"))["fault"]
        await line.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with asyncio.Runner() as runner:
        process = Process(runner, tmp_path / "hub")
        yield process
        runner.run(process.hub.__aexit__())


def test_a_real_process(process: Process) -> None:
    messages = st.lists(tokens, min_size=AT_ONCE, max_size=AT_ONCE)

    @settings(max_examples=EXAMPLES)
    @given(messages, messages, messages)
    def play(terminals: list[bytes], pagers: list[bytes], browsers: list[bytes]) -> None:
        process.cases += process.run(say_all(process.linked, terminals))
        process.cases += process.run(say_all(process.signed_on, pagers))
        process.cases += process.run(process.ask_all(browsers))

    play()
    process.run(process.serves())
    process.run(process.hub.stop())
    assert process.cases >= CASES >= 500
    assert process.hub.complaints() == []
    assert process.run(process.hub.verify()).ok
