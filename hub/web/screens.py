"""The screens: shells that the server renders; modules fill them over WebSockets."""

import io
import re
from pathlib import Path

import aiohttp_jinja2
import jinja2
import segno
from aiohttp import web

from hub.dispatch.requests import Refused
from hub.web.context import HUB
from hub.web.identity import PAGER_COOKIE, SESSION_COOKIE, allow, allowed, bearer, give_cookie
from hub.web.identity import pager as pager_of
from hub.web.language import LANGUAGES, language_of, texts

HERE = Path(__file__).parent
CACHE_S = 300
LINK_CODE = r"[A-Za-z0-9_-]{1,64}"

routes = web.RouteTableDef()


def set_up(app: web.Application) -> None:
    loader = jinja2.FileSystemLoader(HERE / "templates")
    aiohttp_jinja2.setup(app, loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    app.router.add_static("/static", HERE / "static")
    app.add_routes(routes)


def _render(request: web.Request, template: str, **context: object) -> web.Response:
    lang = language_of(request)
    catalogue = texts(lang)
    context |= {"lang": lang, "t": lambda key: catalogue.get(key, key)}
    return aiohttp_jinja2.render_template(template, request, context)


@routes.get("/")
async def home(request: web.Request) -> web.StreamResponse:
    """To the pager for a pager, to the board for everybody else."""
    raise web.HTTPSeeOther("/pager" if _is_pager(request) else "/board")


@routes.get("/pager")
async def pager(request: web.Request) -> web.Response:
    """The pager, for a browser that is one. Its cookie begins anew, for browsers keep none for longer than 400 days."""
    if not _is_pager(request):
        return _join(request, "", "no_pager", "")
    response = _render(request, "pager.html")
    give_cookie(response, PAGER_COOKIE, request.cookies[PAGER_COOKIE])
    return response


@routes.get("/board")
async def board(request: web.Request) -> web.Response:
    """The board. One that came by a link goes on for as long as it is loaded now and then."""
    if not allowed(request, "see_board"):
        return _join(request, "", "sign_in", "")
    response = _render(request, "board.html")
    known, hub = bearer(request), request.app[HUB]
    if known and known.session and known.session.scope == "board":
        token, _ = hub.sessions.open(hub.engine.durable, known.account, "board", hub.now_ms(), known.device)
        give_cookie(response, SESSION_COOKIE, token)
    return response


@routes.get("/admin")
async def admin(request: web.Request) -> web.Response:
    """Whoever may do any of it; what else is on the screen, the hub refuses."""
    return _render(request, "admin.html") if allowed(request, "see_troubles") else _join(request, "", "sign_in", "")


@routes.get("/join/{code}")
async def join(request: web.Request) -> web.Response:
    """What a one-time link opens. Looking uses nothing up: previews and scanners look, too."""
    hub = request.app[HUB]
    code = request.match_info["code"]
    try:
        link = hub.links.look(code, hub.now_ms())
    except Refused:
        return _join(request, "", "spent", "")
    campus = hub.engine.durable
    if link.owner in campus.pagers:
        return _join(request, code, link.use, hub.names.pager(campus.pagers[link.owner]))
    if link.use == "board":
        # Whose link it is says nothing about the screen that everybody sees.
        return _join(request, code, link.use, hub.names.campus(campus).name)
    return _join(request, code, link.use, hub.names.person(campus, link.owner))


def _is_pager(request: web.Request) -> bool:
    try:
        pager_of(request)
    except Refused:
        return False
    return True


def _join(request: web.Request, code: str, kind: str, name: str) -> web.Response:
    """`kind`: pager, pin, board (what the link is good for), spent, no_pager, sign_in."""
    return _render(request, "join.html", code=code, kind=kind, name=name)


@routes.get("/locale/{language}.json")
async def locale(request: web.Request) -> web.Response:
    language = request.match_info["language"]
    if language not in LANGUAGES:
        raise web.HTTPNotFound
    return web.json_response(texts(language), headers={"Cache-Control": "no-cache"})


@routes.get("/api/qr.svg")
async def qr(request: web.Request) -> web.Response:
    """A one-time link as a QR code, for whoever may make pagers."""
    allow(request, "manage_pagers")
    link = request.query.get("link", "")
    if not re.fullmatch(re.escape(f"{request.app[HUB].settings.base_url}/join/") + LINK_CODE, link):
        raise web.HTTPBadRequest
    svg = io.BytesIO()
    segno.make_qr(link).save(svg, kind="svg", border=4, omitsize=True, xmldecl=False)
    return web.Response(body=svg.getvalue(), content_type="image/svg+xml", charset="utf-8")
