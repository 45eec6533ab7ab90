"""Plain http, for one thing: a phone or desk gets the campus certificate here, without which https shows a warning.

Nothing secret comes here, no cookie and no code of a link. Whoever installs the certificate compares its fingerprint
with the one that `init` printed, for what comes over plain http may have been changed on the way.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp_jinja2
import jinja2
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from hub.places.authority import fingerprint, load_certificate
from hub.web.context import HUB, Hub
from hub.web.language import LANGUAGES, language_of, texts
from hub.web.screens import HERE
from hub.web.security import Problem, add_headers

CERTIFICATE_TYPE = "application/x-x509-ca-cert"
FINGERPRINT_GROUP_CHARS = 12
"""Four pairs with their colons: as much as an eye compares at once."""

routes = web.RouteTableDef()


def make_join(hub: Hub) -> web.Application:
    app = web.Application(middlewares=[_guard], client_max_size=1)
    app[HUB] = hub
    app.on_response_prepare.append(add_headers)
    loader = jinja2.FileSystemLoader(HERE / "templates")
    aiohttp_jinja2.setup(app, loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    app.router.add_static("/static", HERE / "static")
    app.add_routes(routes)
    return app


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if request.host not in request.app[HUB].settings.join_hosts:
        raise Problem(421, "wrong_host")
    return await handler(request)


@routes.get("/")
async def home(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther("/join")


@routes.get("/join")
async def join(request: web.Request) -> web.Response:
    """What the certificate is, its fingerprint, and how to install it; its address may say the language."""
    hub, chosen = request.app[HUB], request.query.get("language", "")
    language = chosen if chosen in LANGUAGES else language_of(request)
    catalogue = texts(language)
    mark = fingerprint(await asyncio.to_thread(load_certificate, hub.home.keys / "ca.pem"))
    context = {
        "lang": language,
        "t": lambda key: catalogue.get(key, key),
        "campus": hub.names.campus(hub.engine.durable).name,
        "fingerprint": [mark[at : at + FINGERPRINT_GROUP_CHARS] for at in range(0, len(mark), FINGERPRINT_GROUP_CHARS)],
        "base_url": hub.settings.base_url,
    }
    return aiohttp_jinja2.render_template("certificate.html", request, context)


@routes.get("/join/firstbell.crt")
async def certificate(request: web.Request) -> web.Response:
    """The campus certificate, as phones and desks take it (DER)."""
    certificate = await asyncio.to_thread(load_certificate, request.app[HUB].home.keys / "ca.pem")
    return web.Response(body=certificate.public_bytes(Encoding.DER), content_type=CERTIFICATE_TYPE)
