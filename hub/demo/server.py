"""The demo's own screen on http://localhost: the wall and the bell to press and see; everything else is the hub's."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from typing import Any, Literal

import aiohttp_jinja2
import jinja2
import msgspec
from aiohttp import WSMsgType, web

from hub.demo.line import Line
from hub.demo.proxy import Proxy
from hub.demo.stage import PIN, Stage
from hub.demo.wall import Wall
from hub.web.identity import PAGER_COOKIE
from hub.web.language import language_of, texts
from hub.web.security import CONTENT_SECURITY_POLICY

HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"
COOKIE_AGE_S = 86_400


class Press(msgspec.Struct, frozen=True, tag_field="type", tag="press"):
    terminal: str
    input: str
    down: bool


class Cut(msgspec.Struct, frozen=True, tag_field="type", tag="cut"):
    terminal: str
    on: bool


class Heartbeat(msgspec.Struct, frozen=True, tag_field="type", tag="heartbeat"):
    t1_ms: int


_decoder: msgspec.json.Decoder[Press | Cut | Heartbeat] = msgspec.json.Decoder(Press | Cut | Heartbeat)


class DemoServer:
    """Serves from `start` to `stop`, on a socket that listens already."""

    def __init__(self, stage: Stage, listening: socket.socket) -> None:
        self._stage = stage
        self._listening = listening
        self._line = Line()
        self._screens: set[web.WebSocketResponse] = set()
        self._joining = asyncio.Lock()
        self._pager_key = ""
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self._listening.getsockname()[1]}"

    async def start(self) -> None:
        app = web.Application()
        loader = jinja2.FileSystemLoader([HERE / "screen", HERE.parent / "web" / "templates"])
        aiohttp_jinja2.setup(app, loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        app.router.add_get("/", self._home)
        app.router.add_get("/demo", self._demo)
        app.router.add_static("/demo/static", HERE / "screen")
        app.router.add_get("/demo/locale/{language}.json", self._locale)
        app.router.add_get("/ws/demo", self._socket)
        app.router.add_route("*", "/{path:.*}", Proxy(self._stage.url, self._stage.browser, self.url).handle)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        self._tasks = [asyncio.create_task(self._watch_wall(wall)) for wall in self._stage.walls]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()

    def hear(self, happening: dict[str, Any]) -> None:
        """What happened at the hub."""
        self._line.hear(happening)
        self._show()

    async def _watch_wall(self, wall: Wall) -> None:
        async with contextlib.aclosing(wall.watch()) as states:
            async for _state in states:
                self._show()

    async def _home(self, _request: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/demo")

    async def _demo(self, request: web.Request) -> web.Response:
        """The page, and the key of the pager in it: one pager, in however many windows it is open."""
        lang = language_of(request)
        catalogue = {**texts(lang), **demo_texts(lang)}
        response = aiohttp_jinja2.render_template(
            "demo.html", request, {"lang": lang, "pin": PIN, "t": lambda key: catalogue.get(key, key)}
        )
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
            "default-src 'none'", "default-src 'none'; frame-src 'self'"
        )
        async with self._joining:
            self._pager_key = self._pager_key or await self._stage.join_as_pager(catalogue["demo.pager_name"])
        cookie = PAGER_COOKIE.removeprefix("__Host-")
        response.set_cookie(cookie, self._pager_key, max_age=COOKIE_AGE_S, httponly=True, samesite="Strict")
        return response

    async def _locale(self, request: web.Request) -> web.Response:
        lang: Literal["zh-CN", "en"] = "en" if request.match_info["language"] == "en" else "zh-CN"
        return web.json_response({**texts(lang), **demo_texts(lang)})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        if request.headers.get("Origin") != self.url:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(max_msg_size=4_096)
        await socket.prepare(request)
        self._screens.add(socket)
        try:
            await socket.send_str(self._frame())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(socket, message.data)
        finally:
            self._screens.discard(socket)
        return socket

    async def _take(self, socket: web.WebSocketResponse, text: str) -> None:
        try:
            said = _decoder.decode(text)
        except msgspec.DecodeError:
            return
        if isinstance(said, Heartbeat):
            now_ms = self._stage.hub_ms()
            await socket.send_str(
                json.dumps({"type": "heartbeat", "t1_ms": said.t1_ms, "t2_ms": now_ms, "t3_ms": now_ms})
            )
            return
        wall = next((wall for wall in self._stage.walls if wall.terminal == said.terminal), None)
        if wall is None:
            return
        if isinstance(said, Press):
            await wall.ask(do="edges", input=said.input, edges=[[0, said.down]])
        else:
            wall.cut = said.on
            await wall.ask(do="cut", on=said.on)
            self._show()

    def _show(self) -> None:
        text = self._frame()
        for screen in tuple(self._screens):
            task = asyncio.create_task(_send(screen, text))
            self._tasks.append(task)
            task.add_done_callback(self._tasks.remove)

    def _frame(self) -> str:
        walls = [wall for wall in self._stage.walls if wall.role == "wall"]
        bell = next(wall for wall in self._stage.walls if wall.role == "bell")
        now_ms = self._stage.hub_ms()
        return json.dumps(
            {
                "type": "snapshot",
                "hub_ms": now_ms,
                "utc_ms": now_ms + self._stage.offset_ms,
                "zone_minutes": 480,
                "terminals": [
                    {
                        "id": wall.terminal,
                        "name": wall.name,
                        "building": wall.building,
                        "floor": wall.floor,
                        "linked": wall.state.get("linked", False),
                        "cut": wall.cut,
                        "light": wall.state.get("light", "none"),
                        "inputs": wall.inputs,
                    }
                    for wall in walls
                ],
                "bell": {"name": bell.name, "sound": bell.state.get("sound", "none")},
                "line": self._line.frame(),
            }
        )


async def _send(socket: web.WebSocketResponse, text: str) -> None:
    with contextlib.suppress(ConnectionResetError):
        await socket.send_str(text)


def demo_texts(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((HERE / "locales" / f"{language}.json").read_text("utf-8"))
    return found
