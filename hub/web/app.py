"""The hub's web application over https, for everybody. Beside it are `control` and `join`."""

from aiohttp import web

from hub.web import api, enrolment, log, manage, openapi, screens, tokens
from hub.web.context import HUB, Hub
from hub.web.identity import IS_CONSOLE
from hub.web.security import BODY_BYTES_MAX, add_headers, guard, keep_log_clean


def make_app(hub: Hub) -> web.Application:
    """https: screens, API, WebSockets, the log."""
    keep_log_clean()
    app = web.Application(middlewares=[guard], client_max_size=BODY_BYTES_MAX)
    app[HUB] = hub
    app[IS_CONSOLE] = False
    app.on_response_prepare.append(add_headers)
    screens.set_up(app)
    for part in (api, manage, tokens, enrolment, openapi, log):
        app.add_routes(part.routes)
    return app
