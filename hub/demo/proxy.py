"""http://localhost in front of the real hub, so that a browser on this machine needs no campus CA.

The hub knows nothing of it: it is spoken to over TLS, with its certificate checked, like by any browser. Loopback only.
"""

import asyncio
from http.cookies import SimpleCookie

import aiohttp
from aiohttp import web

from hub.web.language import COOKIE as LANGUAGE_COOKIE

BODY_BYTES_MAX = 1 << 20
FRAME_BYTES_MAX = 1 << 17

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "host",
    "origin",
    "referer",
    "content-length",
    "content-encoding",
    "accept-encoding",
    "cookie",
    "strict-transport-security",
}
_COOKIE_PREFIX = "__Host-"


class Proxy:
    """Forwards to `hub_url` (https) through `session`, which trusts the campus CA and keeps no cookies.

    A request for another host or from another origin than `own_origin` is refused before it gets there.
    """

    def __init__(self, hub_url: str, session: aiohttp.ClientSession, own_origin: str) -> None:
        self._hub_url = hub_url
        self._session = session
        self._own_origin = own_origin

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if f"http://{request.host}" != self._own_origin:
            raise web.HTTPMisdirectedRequest
        if request.headers.get("Origin", self._own_origin) != self._own_origin:
            raise web.HTTPForbidden
        forward = self._socket if request.headers.get("Upgrade", "").lower() == "websocket" else self._plain
        try:
            return await forward(request)
        except (aiohttp.ClientError, ConnectionResetError) as error:
            # Or the screen has gone meanwhile, and nobody reads this.
            raise web.HTTPBadGateway(text="the hub does not answer") from error

    def _headers(self, request: web.Request) -> dict[str, str]:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        if "Cookie" in request.headers:
            jar = SimpleCookie(request.headers["Cookie"])
            headers["Cookie"] = "; ".join(f"{_for_hub(name)}={morsel.value}" for name, morsel in jar.items())
        if "Origin" in request.headers:
            headers["Origin"] = self._hub_url
        return headers

    async def _plain(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._session.request(
            request.method,
            self._hub_url + request.raw_path,
            headers=self._headers(request),
            data=body,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            if answer.content_type == "application/json":
                # A link that the hub shows is opened in this browser, which has no campus CA.
                content = content.replace(self._hub_url.encode(), self._own_origin.encode())
            response = web.Response(status=answer.status, body=content)
            for name, value in answer.headers.items():
                if name.lower() == "set-cookie":
                    response.headers.add(name, _for_localhost(value))
                elif name.lower() not in _HOP_BY_HOP:
                    response.headers[name] = value
            return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        headers = self._headers(request)
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("sec-websocket")}
        async with self._session.ws_connect(
            self._hub_url + request.raw_path, headers=headers, max_msg_size=FRAME_BYTES_MAX
        ) as hub:
            screen = web.WebSocketResponse(max_msg_size=FRAME_BYTES_MAX, compress=False)
            await screen.prepare(request)
            both = [asyncio.create_task(_copy(hub, screen)), asyncio.create_task(_copy(screen, hub))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
                await screen.close()
            return screen


async def _copy(
    source: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
    sink: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)


def _for_hub(cookie: str) -> str:
    """The name under which the hub gave it."""
    return cookie if cookie == LANGUAGE_COOKIE else _COOKIE_PREFIX + cookie


def _for_localhost(cookie: str) -> str:
    """The hub's cookie for plain http on this machine: not every browser takes Secure and __Host- there."""
    parts = [part for part in cookie.removeprefix(_COOKIE_PREFIX).split("; ") if part.lower() != "secure"]
    return "; ".join(parts)
