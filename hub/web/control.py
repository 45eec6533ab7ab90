"""The hub's control socket, in its home: what the commands say to it. Only the hub's own user can open it."""

import asyncio
import contextlib

import msgspec
from aiohttp import web
from firstbell.messages import PROTOCOL
from firstbell.program import PROGRAM_BYTES_MAX, ProgramError, check_program

from hub.dispatch.batch import Submission
from hub.dispatch.requests import Command, OrderUpdate, Refused
from hub.dispatch.rules_update import order_update
from hub.names import Text
from hub.people.accounts import find_account
from hub.people.roles import CONSOLE
from hub.people.tokens import Bearer
from hub.places.programs import digest_of, keep_program
from hub.web import manage, tokens
from hub.web.api import body_of
from hub.web.asking import ask
from hub.web.context import HUB, Hub
from hub.web.identity import IS_CONSOLE
from hub.web.security import guard_console

BODY_BYTES_MAX = 2 * PROGRAM_BYTES_MAX
"""A program comes in base64."""

routes = web.RouteTableDef()


def make_control(hub: Hub) -> web.Application:
    """The administration's API, the status, the watch, closing an incident."""
    app = web.Application(middlewares=[guard_console], client_max_size=BODY_BYTES_MAX)
    app[HUB] = hub
    app[IS_CONSOLE] = True
    for table in (manage.routes, tokens.routes, routes):
        app.add_routes(table)
    return app


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
    with contextlib.suppress(ConnectionResetError):
        async for happening in happenings:
            await response.write(msgspec.json.encode(happening) + b"\n")
    return response


class NewProgram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In base64."""

    program: bytes


@routes.post("/control/terminals/{terminal}/update")
async def update_terminal(request: web.Request) -> web.Response:
    """A node is to run this program; it is offered over its link."""
    hub = request.app[HUB]
    program = (await body_of(request, NewProgram)).program
    try:
        version, protocol = check_program(program)
    except ProgramError as error:
        raise Refused("no_program") from error
    if protocol != PROTOCOL:
        raise Refused("other_protocol")
    ordered = OrderUpdate(
        now_ms=hub.now_ms(),
        terminal=request.match_info["terminal"],
        version=version,
        size=len(program),
        digest=digest_of(program),
        by=CONSOLE,
    )
    # Asked beforehand, for it has to be on the disk before its order is, and what is refused is not kept.
    order_update(hub.engine.decided, ordered)
    try:
        await asyncio.to_thread(keep_program, hub.home.programs, program)
    except OSError as error:
        raise Refused("program_unkept") from error
    hub.programs[ordered.digest] = program
    await ask(hub, Submission(ordered))
    return web.json_response({"version": version})


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`by` closes, and this is its PIN. `id`: of the command, as a pager makes one."""

    by: Text
    pin: Text
    id: Text


@routes.post("/control/incidents/{incident}/close")
async def close_incident(request: web.Request) -> web.Response:
    """Being able to open this socket is not enough: only a named person closes an incident."""
    hub = request.app[HUB]
    given = await body_of(request, Closing)
    named = find_account(hub.engine.durable, hub.names, given.by)
    if named is None:
        raise Refused("unknown_account")
    account = await hub.desk.in_browser(named.account, given.pin, Bearer(named.account, CONSOLE, None))
    closed = Command(
        now_ms=hub.now_ms(),
        command=given.id,
        do="close",
        incident=request.match_info["incident"],
        guard="",
        by=account,
    )
    answer = await ask(hub, Submission(closed))
    return web.json_response({"index": None if answer.repeated else answer.indices.start})
