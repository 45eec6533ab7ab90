"""Thousands of odd HTTP requests to every route: an answer to each, never of an error of the hub's."""

import asyncio
from collections.abc import Iterator
from random import Random

import aiohttp
import pytest
from firstbell_linux.enrolment import parse_token
from hypothesis import given, note, settings
from hypothesis import strategies as st
from yarl import URL

from hub.web.identity import SESSION_COOKIE
from tests.fuzz.asking import ROUTES, Asked, Asker
from tests.fuzz.odd import tokens
from tests.fuzz.under_fire import UnderFire, under_fire
from tests.links.campus import HOST, NAME, Doors
from tests.links.raw_terminal import event_frame

# Thousands of cases each, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)

REQUEST_CASES = 5_400
RAW_CASES = 600
AT_ONCE = 20
BUSY = 503
ANSWER_S_MAX = 20
REST_S_MAX = 0.03
"""For an answer to bytes that may be half a request: then there is none to wait for."""


@pytest.fixture(scope="module")
def fire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnderFire]:
    with under_fire(tmp_path_factory.mktemp("campus") / "hub") as fire:
        yield fire


async def furnish(hub: Doors) -> tuple[tuple[str, ...], str, str]:
    """Ids of things that may be lost, a pager's cookie, and the secret of a terminal's token."""
    terminal = hub.raw_terminal(await hub.enrol())
    line = await terminal.link()
    event = terminal.event()
    await line.send(event_frame(event))
    incident = (await hub.recorded(event))["incident"]
    await line.close()
    guard, pager = await hub.guard("王建国"), await hub.pager_cookie()
    spare = await hub.enrol("要拆的")
    lost = (await hub.post("/api/pagers", name="要丢的"))["id"]
    zone = (await hub.get("/api/campus"))["zones"][0]["id"]
    secret = parse_token((await hub.post("/api/tokens", name="要装的", zone=zone))["token"]).secret
    known = (incident, guard, spare.terminal, lost, zone, "checkpoint", "0/000.p/5", "entries/000.p/1")
    return known, pager, secret


@pytest.fixture(scope="module")
def requests(fire: UnderFire) -> Asker:
    hub = fire.hub
    known, pager, secret = fire.run(furnish(hub))
    token, _ = hub.hub.sessions.open(hub.core.engine.durable, hub.founded.administrator, "all", hub.hub.now_ms())
    return Asker(hub.url, known, (pager, f"{SESSION_COOKIE}={token}"), secret)


async def ask(hub: Doors, asked: Asked) -> int:
    """The status, when the whole answer has come."""
    url = URL(hub.url + asked.path, encoded=True)
    try:
        async with hub.browser.request(
            asked.method, url, headers=asked.headers, data=asked.body, allow_redirects=False
        ) as answer:
            if answer.status != 101:
                await answer.read()
            return answer.status
    except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        # It was turned away while it was still speaking (413), which may reset the line.
        return 0


def test_requests(fire: UnderFire, requests: Asker) -> None:
    hub = fire.hub
    seen: dict[int, int] = {}

    async def play_all(said: list[bytes]) -> None:
        for token in said:
            asked = requests.request(Random(token))
            note(f"{token.hex()}: {asked}")
            async with asyncio.timeout(ANSWER_S_MAX):
                status = await ask(hub, asked)
            assert status < 500 or status == BUSY, asked
            seen[status] = seen.get(status, 0) + 1

    @settings(max_examples=-(-REQUEST_CASES // AT_ONCE))
    @given(st.lists(tokens, min_size=AT_ONCE, max_size=AT_ONCE))
    def play(said: list[bytes]) -> None:
        fire.run(play_all(said))
        assert fire.complaints == []

    play()
    print("answers by status:", dict(sorted(seen.items())))
    assert sum(seen.values()) >= REQUEST_CASES
    assert len(ROUTES) > 30
    # It got past the doors, too, and not into silence.
    assert seen[200] > REQUEST_CASES // 20
    assert seen.get(0, 0) < REQUEST_CASES // 50
    fire.run(fire.serves())


async def say_bytes(hub: Doors, data: bytes) -> bytes:
    """How the answer begins; nothing where the hub waits for more, or has closed."""
    reader, writer = await asyncio.open_connection(HOST, hub.port, ssl=hub.tls, server_hostname=NAME)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(REST_S_MAX):
            return await reader.read(64)
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.transport.abort()


def test_bytes_that_are_no_request(fire: UnderFire, requests: Asker) -> None:
    hub = fire.hub
    cases = 0

    async def play_all(said: list[bytes]) -> None:
        nonlocal cases
        for token in said:
            data = requests.bytes_of(Random(token))
            note(f"{token.hex()}: {data!r}")
            try:
                answer = await say_bytes(hub, data)
            except ConnectionError as error:
                # Not even the handshake came about, on a machine that is far too busy: said another time.
                print("no connection:", repr(error))
                answer = await say_bytes(hub, data)
            assert not answer.startswith(b"HTTP/1.1 5"), data
            cases += 1

    @settings(max_examples=-(-RAW_CASES // AT_ONCE))
    @given(st.lists(tokens, min_size=AT_ONCE, max_size=AT_ONCE))
    def play(said: list[bytes]) -> None:
        fire.run(play_all(said))
        assert fire.complaints == []

    play()
    assert cases >= RAW_CASES
    fire.run(fire.serves())
