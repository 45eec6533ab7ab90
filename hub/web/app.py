"""The hub's web applications: the one over https for everybody, and the one behind the control socket."""

import msgspec
from aiohttp import web

from hub.web import api, log, manage, screens
from hub.web.context import HUB, Hub
from hub.web.identity import IS_CONSOLE
from hub.web.security import BODY_BYTES_MAX, add_headers, guard, guard_console


def make_app(hub: Hub) -> web.Application:
    """https: screens, API, WebSockets, the log."""
    app = web.Application(middlewares=[guard], client_max_size=BODY_BYTES_MAX)
    app[HUB] = hub
    app[IS_CONSOLE] = False
    app.on_response_prepare.append(add_headers)
    screens.set_up(app)
    for part in (api, manage, log):
        app.add_routes(part.routes)
    return app


def make_control(hub: Hub) -> web.Application:
    """The control socket, which only the hub's own user can open: the administration's API, the status, the watch."""
    app = web.Application(middlewares=[guard_console], client_max_size=BODY_BYTES_MAX)
    app[HUB] = hub
    app[IS_CONSOLE] = True
    app.add_routes(manage.routes)
    app.add_routes(routes)
    return app


routes = web.RouteTableDef()


@routes.get("/control/status")
async def status(request: web.Request) -> web.Response:
    hub = request.app[HUB]
    campus = hub.engine.decided
    pagers = [pager for pager in campus.pagers.values() if pager.guard]
    return web.json_response(
        {
            "campus": hub.names.campus(campus).name,
            "base_url": hub.settings.base_url,
            "entries": hub.engine.size,
            "fault": hub.engine.view.fault,
            "reachable": hub.engine.view.alerts.reachable,
            "pagers_ready": sum(1 for pager in pagers if not pager.reasons),
            "pagers_signed_on": len(pagers),
            "terminals": sum(1 for t in campus.terminals.values() if not t.revoked),
            "terminals_linked": sum(1 for t in campus.terminals.values() if t.linked),
            "incidents_open": sum(1 for i in campus.incidents.values() if i.state != "resolved"),
            "troubles": sorted(campus.troubles),
        }
    )


@routes.get("/control/watch")
async def watch(request: web.Request) -> web.StreamResponse:
    """One JSON line for each thing that happens, until the reader goes."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    happenings = request.app[HUB].watch.subscribe()
    await response.prepare(request)
    async for happening in happenings:
        await response.write(msgspec.json.encode(happening) + b"\n")
    return response
