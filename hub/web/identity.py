"""Who is asking: the pager or the account behind a request, by its cookie."""

from aiohttp import web

from hub.dispatch.requests import Refused
from hub.people.roles import CONSOLE, Permission, require
from hub.people.tokens import Bearer, pager_of
from hub.web.context import HUB

PAGER_COOKIE = "__Host-firstbell_pager"
SESSION_COOKIE = "__Host-firstbell_session"
COOKIE_AGE_S = 400 * 86_400
"""As long as browsers keep one; the hub decides for how long it holds."""

IS_CONSOLE = web.AppKey("is_console", bool)
"""Set for the application behind the control socket, where only the hub's own user gets."""


def pager(request: web.Request) -> str:
    """The pager that is asking. Raises Refused("not_signed_in")."""
    hub = request.app[HUB]
    found = pager_of(request.cookies.get(PAGER_COOKIE, ""), hub.engine.durable, hub.keyring)
    if found is None:
        raise Refused("not_signed_in")
    return found


def bearer(request: web.Request) -> Bearer | None:
    hub = request.app[HUB]
    return hub.sessions.bearer(request.cookies.get(SESSION_COOKIE, ""), hub.engine.durable, hub.now_ms())


def allow(request: web.Request, permission: Permission) -> str:
    """The account that is asking, if it may. Raises Refused: not_signed_in, not_permitted."""
    if request.app[IS_CONSOLE]:
        return CONSOLE
    known = bearer(request)
    if known is None or known.session is None:
        raise Refused("not_signed_in")
    if known.session.scope == "board" and permission != "see_board":
        raise Refused("not_permitted")
    require(request.app[HUB].engine.durable, known.account, permission)
    return known.account


def allowed(request: web.Request, permission: Permission) -> bool:
    """As `allow`, as a question."""
    try:
        allow(request, permission)
    except Refused:
        return False
    return True


def give_cookie(response: web.StreamResponse, cookie: str, token: str) -> None:
    response.set_cookie(cookie, token, max_age=COOKIE_AGE_S, path="/", secure=True, httponly=True, samesite="Strict")
