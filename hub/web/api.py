"""The API for browsers that are pagers or accounts: joining, signing on, language, commands by a dispatcher."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Meta

from hub.dispatch.batch import Submission
from hub.dispatch.entries import Outcome
from hub.dispatch.requests import Command, Do, Refused, SeeTrouble
from hub.names import Text
from hub.people.accounts import set_pin
from hub.people.links import Link, Use, open_link
from hub.people.tokens import Scope, new_pager_key, pager_of
from hub.web.asking import DISK_WAITS, ask
from hub.web.context import HUB, Hub
from hub.web.identity import PAGER_COOKIE, SESSION_COOKIE, allow, allowed, bearer, give_cookie, pager
from hub.web.language import COOKIE, COOKIE_AGE_S, LANGUAGES
from hub.web.security import Problem

BODY_MS_MAX = 10_000
"""How long a request's body may take."""

routes = web.RouteTableDef()

Body = TypeVar("Body", bound=msgspec.Struct)


async def read_body(request: web.Request) -> bytes:
    """Raises Problem 408 where it doesn't come, 400 where it can't be read (a broken gzip)."""
    try:
        async with asyncio.timeout(BODY_MS_MAX / 1000):
            return await request.read()
    except TimeoutError as error:
        raise Problem(408, "malformed") from error
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise Problem(400, "malformed") from error


async def body_of(request: web.Request, kind: type[Body]) -> Body:
    """The request's JSON as `kind`. Raises Problem, as `read_body`, and 400 where it is something else."""
    body = await read_body(request)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "malformed") from error


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pin`: chosen by whoever opens an account's link."""

    code: Text
    pin: Text = ""


class PinGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account: Text
    pin: Text


class NameAndPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Text
    pin: Text


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    language: Text


class TroubleNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    what: Text
    about: Text


class Acted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command by a dispatcher for `guard`, by leader for closing."""

    id: Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]
    do: Do
    guard: Text = ""
    covers: Annotated[tuple[Text, ...], Meta(max_length=256)] = ()
    outcome: Outcome | None = None


@routes.post("/api/join")
async def join(request: web.Request) -> web.Response:
    """Uses a one-time link up: this browser becomes a pager, a board, or the browser of an account."""
    hub = request.app[HUB]
    given = await body_of(request, Join)
    with hub.links.opening(given.code, hub.now_ms()) as link:
        return await _JOINS[link.use](hub, link, given.pin)


async def _join_pager(hub: Hub, link: Link, _pin: str) -> web.Response:
    token, key = new_pager_key(link.owner)
    await ask(hub, open_link(link, hub.now_ms(), (key,)))
    response = web.json_response({"to": "/pager"})
    give_cookie(response, PAGER_COOKIE, token)
    return response


async def _join_account(hub: Hub, link: Link, pin: str) -> web.Response:
    """Its person chooses the PIN."""
    kept = await hub.pins.hash(pin)
    await ask(hub, open_link(link, hub.now_ms()), set_pin(link.owner, kept, link.owner, hub.now_ms()))
    return _signed_in(hub, link.owner, "all", "/admin")


async def _join_board(hub: Hub, link: Link, _pin: str) -> web.Response:
    await ask(hub, open_link(link, hub.now_ms()))
    return _signed_in(hub, link.owner, "board", "/board")


def _signed_in(hub: Hub, account: str, scope: Scope, to: str, device: str = "") -> web.Response:
    token, _ = hub.sessions.open(hub.engine.durable, account, scope, hub.now_ms(), device)
    response = web.json_response({"to": to})
    give_cookie(response, SESSION_COOKIE, token)
    return response


_JOINS: dict[Use, Callable[[Hub, Link, str], Awaitable[web.Response]]] = {
    "pager": _join_pager,
    "pin": _join_account,
    "board": _join_board,
}


@routes.post("/api/session")
async def sign_in(request: web.Request) -> web.Response:
    """A person signs in with name and PIN, on a browser that is no pager."""
    hub = request.app[HUB]
    given = await body_of(request, NameAndPin)
    before = bearer(request)
    account = await hub.desk.in_browser(given.name, given.pin, before)
    device = before.device if before is not None and before.account == account else ""
    return _signed_in(hub, account, "all", "/admin", device)


@routes.get("/api/guards")
async def guards(request: web.Request) -> web.Response:
    """Who can sign on at a pager."""
    pager(request)
    hub = request.app[HUB]
    campus = hub.engine.durable
    found = [
        {
            "id": account.account,
            "name": hub.names.account(account),
            "zones": [hub.names.zone(campus.zones[zone]) for zone in account.zones if zone in campus.zones],
        }
        for account in campus.accounts.values()
        if "guard" in account.roles
    ]
    return web.json_response({"guards": sorted(found, key=lambda guard: str(guard["name"]))})


@routes.post("/api/sign-on")
async def sign_on(request: web.Request) -> web.Response:
    """A guard begins a shift at this pager."""
    hub = request.app[HUB]
    pager_id = pager(request)
    given = await body_of(request, PinGiven)
    signed_on = await hub.desk.at_pager(pager_id, given.account, given.pin)
    try:
        await ask(hub, signed_on)
    except Refused as refused:
        # This pager rings for the guard from now on, and its snapshot says so; the record follows.
        if refused.reason != DISK_WAITS:
            raise
    return web.json_response({})


@routes.post("/api/language")
async def language(request: web.Request) -> web.Response:
    """The language that this browser wants from now on."""
    chosen = (await body_of(request, Language)).language
    if chosen not in LANGUAGES:
        raise Problem(400, "malformed")
    response = web.json_response({})
    response.set_cookie(COOKIE, chosen, max_age=COOKIE_AGE_S, path="/", secure=True, samesite="Strict")
    return response


@routes.post("/api/sign-out")
async def sign_out(request: web.Request) -> web.Response:
    """This browser's session is over; its cookie still tells that the PIN was once known here."""
    hub, known = request.app[HUB], bearer(request)
    response = web.json_response({})
    if known is not None and known.session is not None:
        give_cookie(response, SESSION_COOKIE, hub.sessions.end(hub.engine.durable, known.session))
    return response


@routes.post("/api/incidents/{incident}/commands")
async def act(request: web.Request) -> web.Response:
    """A dispatcher acts for a guard by radio; a leader closes."""
    hub = request.app[HUB]
    given = await body_of(request, Acted)
    by = allow(request, "close_incident" if given.do == "close" else "act_for_guard")
    command = Command(
        now_ms=hub.now_ms(),
        command=given.id,
        do=given.do,
        incident=request.match_info["incident"],
        guard=given.guard,
        by=by,
        covers=given.covers,
        outcome=given.outcome,
    )
    answer = await ask(hub, Submission(command))
    return web.json_response({"index": None if answer.repeated else answer.indices.start})


@routes.post("/api/troubles/seen")
async def see_trouble(request: web.Request) -> web.Response:
    """Somebody has seen a trouble: it no longer calls for attention, and stays until it ends."""
    hub = request.app[HUB]
    by = allow(request, "see_troubles")
    given = await body_of(request, TroubleNamed)
    await ask(hub, Submission(SeeTrouble(now_ms=hub.now_ms(), what=given.what, about=given.about, by=by)))
    return web.json_response({})


@routes.get("/ws/pager")
async def pager_socket(request: web.Request) -> web.StreamResponse:
    """A pager's WebSocket."""
    _check_browser(request)
    hub, known, token = request.app[HUB], pager(request), request.cookies[PAGER_COOKIE]
    return await hub.pagers.serve(request, known, lambda: pager_of(token, hub.engine.durable, hub.keyring) == known)


@routes.get("/ws/board")
async def board_socket(request: web.Request) -> web.StreamResponse:
    """A board's WebSocket."""
    _check_browser(request)
    account = allow(request, "see_board")
    return await request.app[HUB].boards.serve(request, account, lambda: allowed(request, "see_board"))


@routes.get("/ws/terminal")
async def terminal_socket(request: web.Request) -> web.StreamResponse:
    """A terminal's WebSocket; who it is, it says there."""
    return await request.app[HUB].terminals.serve(request)


def _check_browser(request: web.Request) -> None:
    """A browser says where a WebSocket was opened from; whoever doesn't is no page of ours."""
    if urlsplit(request.headers.get("Origin", "")).netloc != request.host:
        raise Problem(403, "wrong_origin")
