"""The hub's doors: its own console, the network over TLS, the campus certificate for a new browser; how it is found."""

import asyncio
import contextlib
from datetime import UTC, datetime

import structlog
from aiohttp import web

from hub.links.announce import Announcement, reachable_addresses
from hub.links.door import REQUEST_MS_MAX, open_door, raise_file_limit
from hub.places.authority import renew_if_due, server_context, take_certificate
from hub.web.app import make_app
from hub.web.context import Hub
from hub.web.control import make_control
from hub.web.join import make_join

CERTIFICATE_LOOK_S = 86_400

log = structlog.get_logger()


async def open_doors(hub: Hub, stack: contextlib.AsyncExitStack, tasks: list[asyncio.Task[None]]) -> None:
    """`stack` shuts them; `tasks` gets what goes on meanwhile. Raises KeysError, OSError."""
    settings, home = hub.settings, hub.home
    renew_if_due(home.keys, settings.names, settings.addresses, datetime.now(UTC), clock_sure=False)
    context = server_context(home.keys)
    raise_file_limit()
    runner = await _runner(make_app(hub), stack)
    door = open_door(runner, settings.listen.address, settings.listen.port, hub.waiting, tls=context)
    stack.push_async_callback(door.close)
    tasks.append(door.accepting)
    # After the port, which another program may have: a hub that ends for that answers no command before.
    await web.UnixSite(await _runner(make_control(hub), stack), str(home.control)).start()
    home.control.chmod(0o600)
    await _hand_out_certificate(hub, stack)

    async def renew() -> None:
        while True:
            await asyncio.sleep(CERTIFICATE_LOOK_S)
            sure = hub.engine.decided.utc_error_ms is not None
            names, addresses = settings.names, settings.addresses
            if await asyncio.to_thread(renew_if_due, home.keys, names, addresses, datetime.now(UTC), sure):
                take_certificate(context, home.keys)

    tasks.append(asyncio.create_task(renew()))


async def _hand_out_certificate(hub: Hub, stack: contextlib.AsyncExitStack) -> None:
    """A hub that can't do this still rings, so it starts all the same."""
    at = hub.settings.listen
    if not at.join_port:
        return
    try:
        door = open_door(await _runner(make_join(hub), stack), at.address, at.join_port, hub.waiting)
        stack.push_async_callback(door.close)
    except OSError as error:
        log.warning("the campus certificate can't be handed out", url=hub.settings.join_url, error=str(error))


async def announce(hub: Hub, stack: contextlib.AsyncExitStack) -> None:
    """Takes a second or so, for which nobody waits; goes on until cancelled."""
    listen = hub.settings.listen
    fixed = [address for address in hub.settings.addresses if ":" not in address]
    announcement = Announcement(
        hub.engine.durable.campus, hub.settings.names[0], fixed or reachable_addresses(listen.address), listen.port
    )
    stack.push_async_callback(announcement.stop)
    try:
        await announcement.start()
    except OSError as error:
        log.warning("the hub can't be found by itself, terminals need its address", error=str(error))
    await asyncio.Event().wait()


async def _runner(app: web.Application, stack: contextlib.AsyncExitStack) -> web.AppRunner:
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=1.0, keepalive_timeout=REQUEST_MS_MAX / 1000
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner
