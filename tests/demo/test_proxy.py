"""The demo's http://localhost: what the hub says and is told there fits a browser without the campus CA."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub.demo.proxy import Proxy

pytestmark = pytest.mark.asyncio

UPGRADE = """\
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Key: Zmlyc3RiZWxsLWRlbW8tMQ==\r
"""


async def link(request: web.Request) -> web.Response:
    return web.json_response({"link": f"http://{request.host}/join/abc"})


async def cookies(request: web.Request) -> web.Response:
    response = web.json_response(dict(request.cookies))
    response.set_cookie("__Host-firstbell_pager", "key", path="/", secure=True, httponly=True)
    return response


async def asked(path: str, **headers: str) -> tuple[dict[str, str], str, str]:
    """The answer through the proxy, what it sets as a cookie, and the proxy's origin."""
    hub_app, proxy_app = web.Application(), web.Application()
    hub_app.router.add_get("/link", link)
    hub_app.router.add_get("/cookies", cookies)
    async with TestServer(hub_app) as hub, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        server = TestServer(proxy_app)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await Proxy(f"http://{hub.host}:{hub.port}", session, origin(server)).handle(request)

        proxy_app.router.add_route("*", "/{path:.*}", handle)
        async with TestClient(server, cookie_jar=aiohttp.DummyCookieJar()) as browser:
            answer = await browser.get(path, headers=headers)
            return await answer.json(), answer.headers.get("Set-Cookie", ""), origin(server)


def origin(server: TestServer) -> str:
    return f"http://{server.host}:{server.port}"


async def test_a_link_that_is_shown_works_in_the_browser_that_shows_it() -> None:
    said, _set, own = await asked("/link")
    assert said == {"link": f"{own}/join/abc"}


async def test_the_hub_gets_its_cookies_under_their_names() -> None:
    said, given, _own = await asked("/cookies", Cookie="firstbell_pager=key; firstbell_language=en")
    assert said == {"__Host-firstbell_pager": "key", "firstbell_language": "en"}
    assert given == "firstbell_pager=key; HttpOnly; Path=/"


@pytest.mark.parametrize("upgrade", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}])
async def test_a_hub_that_is_not_there(upgrade: dict[str, str]) -> None:
    """It may be killed beneath the demo; that is no defect of ours."""
    proxy_app = web.Application()
    server = TestServer(proxy_app)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    async with aiohttp.ClientSession() as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            return await Proxy(f"http://127.0.0.1:{nobody}", session, origin(server)).handle(request)

        proxy_app.router.add_route("*", "/{path:.*}", handle)
        async with TestClient(server) as browser:
            answer = await browser.get("/link", headers=upgrade)
            assert (answer.status, await answer.text()) == (502, "the hub does not answer")


async def test_a_screen_that_goes_before_the_hub_answers(caplog: pytest.LogCaptureFixture) -> None:
    """A window that is closed, or loaded anew, while the hub takes its time; that is no defect, either."""
    asked, gone, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.WebSocketResponse:
        asked.set()
        await gone.wait()
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        return answer

    hub_app, proxy_app = web.Application(), web.Application()
    hub_app.router.add_get("/ws/board", slow)
    async with TestServer(hub_app) as hub, aiohttp.ClientSession() as session:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            host = f"127.0.0.1:{listening.getsockname()[1]}"
            proxy = Proxy(f"http://{hub.host}:{hub.port}", session, f"http://{host}")

            async def handle(request: web.Request) -> web.StreamResponse:
                try:
                    return await proxy.handle(request)
                finally:
                    done.set()

            proxy_app.router.add_route("*", "/{path:.*}", handle)
            # As the demo runs it: a TestServer would cancel what its client no longer waits for.
            runner = web.AppRunner(proxy_app)
            await runner.setup()
            await web.SockSite(runner, listening).start()
            _reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(f"GET /ws/board HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}\r\n".encode())
            await asked.wait()
            writer.close()
            assert runner.server
            while any(screen.transport for screen in runner.server.connections):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            gone.set()
            await done.wait()
            await runner.cleanup()
    assert [record.getMessage() for record in caplog.records] == []
