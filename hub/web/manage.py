"""The API of the administration, for the admin screen and, over the control socket, for the commands."""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from firstbell.jws import HS256
from msgspec import Meta

from hub.dispatch import requests as r
from hub.dispatch.batch import Secret, SecretKind, Submission
from hub.dispatch.entries import Algorithm, Deadlines, InputKind, Role
from hub.dispatch.requests import Refused
from hub.ids import new_id
from hub.names import TerminalDetails, Text, ZoneDetails, check_details, seal_details
from hub.people import accounts
from hub.people.accounts import one_line
from hub.people.links import Use, make_link
from hub.places.enrolment import TerminalKey, check_inputs, read_key
from hub.places.tokens import Place
from hub.web.api import body_of
from hub.web.asking import ask
from hub.web.context import HUB, Hub
from hub.web.identity import allow

MINUTES_MAX = 120

routes = web.RouteTableDef()

Minutes = Annotated[int, Meta(ge=1, le=MINUTES_MAX)]
DeadlineName = Literal["delivered_ms", "accepted_ms", "on_scene_ms", "asked_ms", "roll_call_ms", "closed_ms"]
# Python's `$` lets a newline follow, and a pattern in the API's document has no `\Z`.
TerminalId = Annotated[str, Meta(pattern=r"^(t-[a-z2-7]{10})?$(?!\n)")]
DeadlineMs = Annotated[int, Meta(ge=1_000, le=7 * 86_400_000)]


class ZoneGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A zone by its id or name, or a new one's name. What is left out stays as it is."""

    name: Text
    rename: Text = ""
    deadlines: dict[DeadlineName, DeadlineMs] = {}


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`zones` by id or name; none = all of them. Without `pin` the answer has a link for choosing one."""

    name: Text
    roles: tuple[Role, ...] = ("guard",)
    zones: tuple[Text, ...] = ()
    pin: Text = ""


class NewPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pin: Text


class NewPager(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Text


class NewBoard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account`, by id or name: in whose name the board is there."""

    account: Text


class NewTerminal(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key`: the public key (base64url) of an EdDSA terminal, the secret of an HS256 one. `id`: one by chance that
    nobody has; without it the hub makes one.
    """

    algorithm: Algorithm
    key: Text
    inputs: dict[Text, InputKind]
    id: TerminalId = ""


class Until(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    minutes: Minutes


class NewDrill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: Text
    minutes: Minutes


def zone_ids(hub: Hub, named: Sequence[str]) -> tuple[str, ...]:
    """Zones by their ids or names. Raises Refused."""
    campus = hub.engine.decided
    by_name = {hub.names.zone(zone): zone.zone for zone in campus.zones.values()}
    found = [name if name in campus.zones else by_name.get(name, "") for name in named]
    if "" in found:
        raise Refused("unknown_zone")
    return tuple(found)


@routes.get("/api/campus")
async def campus(request: web.Request) -> web.Response:
    """Everything that the administration shows."""
    allow(request, "see_troubles")
    hub = request.app[HUB]
    state = hub.engine.durable
    zones = [
        {
            "id": zone.zone,
            "name": hub.names.zone(zone),
            "drill_until_ms": zone.drill_until_ms,
            "deadlines": msgspec.structs.asdict(zone.deadlines),
        }
        for zone in state.zones.values()
    ]
    people = [
        {
            "id": a.account,
            "name": hub.names.account(a),
            "roles": a.roles,
            "zones": a.zones,
            "pin": hub.keyring.get(a.account, "pin") is not None,
        }
        for a in state.accounts.values()
    ]
    pagers = [
        {
            "id": p.pager,
            "name": hub.names.pager(p),
            "guard": p.guard and hub.names.person(state, p.guard),
            "reasons": p.reasons,
        }
        for p in state.pagers.values()
    ]
    answer: dict[str, Any] = {
        "campus": {"id": state.campus, "name": hub.names.campus(state).name},
        "hub_ms": hub.now_ms(),
        "utc_ms": hub.now_ms() + state.utc_offset_ms,
        "zones": zones,
        "accounts": people,
        "pagers": pagers,
        "terminals": [_terminal(hub, terminal_id) for terminal_id in state.terminals],
        "troubles": [msgspec.structs.asdict(trouble) for trouble in state.troubles.values()],
    }
    return web.json_response(answer)


def _terminal(hub: Hub, terminal_id: str) -> dict[str, Any]:
    terminal = hub.engine.durable.terminals[terminal_id]
    return {
        "id": terminal.terminal,
        "zone": terminal.zone,
        "role": terminal.role,
        "algorithm": terminal.algorithm,
        "linked": terminal.linked,
        "light": terminal.light,
        "inputs": terminal.inputs,
        "revoked": terminal.revoked,
        "test_until_ms": terminal.test_until_ms,
        "software": terminal.software,
        "update": terminal.update and {"version": terminal.update.version, "state": terminal.update.state},
        **msgspec.structs.asdict(hub.names.terminal(terminal)),
    }


@routes.post("/api/zones")
async def set_zone(request: web.Request) -> web.Response:
    """Makes a zone, or changes the one that is named."""
    hub, by = request.app[HUB], allow(request, "manage_zones")
    given = await body_of(request, ZoneGiven)
    zones = hub.engine.decided.zones
    named = {hub.names.zone(zone): zone for zone in zones.values()}
    known = zones.get(given.name) or named.get(one_line(given.name))
    if given.rename and known is None:
        raise Refused("unknown_zone")
    name = one_line(given.rename or (hub.names.zone(known) if known else given.name))
    if named.get(name, known) is not known:
        raise Refused("known_name")
    details = seal_details(ZoneDetails(name=name))
    deadlines = msgspec.structs.replace(known.deadlines if known else Deadlines(), **given.deadlines)
    made = r.SetZone(now_ms=hub.now_ms(), zone=new_id("z"), details=details.commitment, by=by, deadlines=deadlines)
    if known:
        made = dataclasses.replace(made, zone=known.zone, tiers=known.tiers)
    with hub.naming.claim("zone", name) if name not in named else nullcontext():
        await ask(hub, Submission(made, sealed=(details,)))
    return web.json_response({"id": made.zone})


@routes.post("/api/accounts")
async def add_account(request: web.Request) -> web.Response:
    """A new account; with a PIN, or else with a one-time link with which its person chooses one."""
    hub, by = request.app[HUB], allow(request, "manage_accounts")
    given = await body_of(request, NewAccount)
    pin = await hub.pins.hash(given.pin) if given.pin else None
    zones = zone_ids(hub, given.zones)
    account, added = accounts.add_account(
        hub.engine.decided, hub.names, given.name, given.roles, zones, by, hub.now_ms()
    )
    with hub.naming.claim("account", one_line(given.name)):
        if pin is None:
            return await _linked(hub, account, "pin", by, added)
        await ask(hub, added, accounts.set_pin(account, pin, by, hub.now_ms()))
    return web.json_response({"id": account})


@routes.post("/api/accounts/{account}/pin")
async def set_pin(request: web.Request) -> web.Response:
    """Another PIN; sessions that the old one opened are over."""
    hub, by = request.app[HUB], allow(request, "manage_accounts")
    pin = await hub.pins.hash((await body_of(request, NewPin)).pin)
    await ask(hub, accounts.set_pin(request.match_info["account"], pin, by, hub.now_ms()))
    return web.json_response({})


@routes.post("/api/accounts/{account}/link")
async def link_account(request: web.Request) -> web.Response:
    """A one-time link with which the account's person chooses a PIN and is signed in."""
    hub, by = request.app[HUB], allow(request, "manage_accounts")
    return await _linked(hub, request.match_info["account"], "pin", by)


@routes.delete("/api/accounts/{account}")
async def remove_account(request: web.Request) -> web.Response:
    """Removes an account; what it did stays on record."""
    hub, by = request.app[HUB], allow(request, "manage_accounts")
    await ask(hub, accounts.remove_account(request.match_info["account"], by, hub.now_ms()))
    return web.json_response({})


@routes.post("/api/pagers")
async def add_pager(request: web.Request) -> web.Response:
    """A new pager, and the one-time link that makes a browser that pager."""
    hub, by = request.app[HUB], allow(request, "manage_pagers")
    name = (await body_of(request, NewPager)).name
    pager, made = accounts.make_pager(hub.engine.decided, hub.names, name, by, hub.now_ms())
    with hub.naming.claim("pager", one_line(name)):
        return await _linked(hub, pager, "pager", by, made)


@routes.post("/api/pagers/{pager}/link")
async def link_pager(request: web.Request) -> web.Response:
    """A further link for a pager: the browser that opens it has the key from then on, and no other."""
    hub, by = request.app[HUB], allow(request, "manage_pagers")
    return await _linked(hub, request.match_info["pager"], "pager", by)


@routes.delete("/api/pagers/{pager}")
async def revoke_pager(request: web.Request) -> web.Response:
    """Takes a pager out of use at once."""
    hub, by = request.app[HUB], allow(request, "manage_pagers")
    await ask(hub, accounts.revoke_pager(request.match_info["pager"], by, hub.now_ms()))
    return web.json_response({})


@routes.post("/api/boards")
async def link_board(request: web.Request) -> web.Response:
    """A one-time link that makes the browser which opens it a board, in the name of an account."""
    hub, by = request.app[HUB], allow(request, "manage_pagers")
    account = accounts.find_account(hub.engine.decided, hub.names, (await body_of(request, NewBoard)).account)
    if account is None:
        raise Refused("unknown_account")
    return await _linked(hub, account.account, "board", by)


async def _linked(hub: Hub, owner: str, use: Use, by: str, *first: Submission) -> web.Response:
    """The owner's link; `first` makes the owner, in the same transaction."""
    code, made = make_link(owner, use, by, hub.now_ms())
    await ask(hub, *first, made)
    answer = {"id": owner, "link": f"{hub.settings.base_url}/join/{code}", "join": hub.settings.join_url}
    return web.json_response(answer)


@routes.post("/api/terminals")
async def enrol_terminal(request: web.Request) -> web.Response:
    """A new terminal, by its key."""
    hub, by = request.app[HUB], allow(request, "revoke_terminals")
    given = await body_of(request, NewTerminal)
    terminal = given.id or new_id("t")
    await enrol(hub, given, terminal, TerminalKey(given.algorithm, given.key, ""), given.inputs, by)
    return web.json_response({"id": terminal})


async def enrol(
    hub: Hub,
    place: Place,
    terminal: str,
    key: TerminalKey,
    inputs: Mapping[str, InputKind],
    by: str,
    also: Sequence[Secret] = (),
    *then: Submission,
) -> None:
    """The hub knows the terminal from now on. `also` is kept with it, and `then` is asked with it. Raises Refused."""
    secret = read_key(key.algorithm, key.told)
    check_inputs(inputs)
    (zone,) = zone_ids(hub, (place.zone,))
    details = seal_details(details_of(hub, place))
    is_node = key.algorithm == HS256
    enrolled = r.EnrolTerminal(
        now_ms=hub.now_ms(),
        terminal=terminal,
        zone=zone,
        role=place.role,
        algorithm=key.algorithm,
        key="" if is_node else key.told,
        inputs=dict(inputs),
        silent=place.silent,
        details=details.commitment,
        by=by,
    )
    kept = (Secret(terminal, "key", secret), *also) if is_node else tuple(also)
    with hub.naming.claim("terminal", one_line(place.name)):
        await ask(hub, Submission(enrolled, sealed=(details,), secrets=kept), *then)


def details_of(hub: Hub, place: Place) -> TerminalDetails:
    """Fit to be sealed. Raises Refused: bad_text, known_name."""
    details = TerminalDetails(
        name=one_line(place.name),
        building=one_line(place.building),
        floor=one_line(place.floor),
        place=one_line(place.place),
        way=one_line(place.way),
    )
    check_details(details)
    # People call a terminal by its name, so no two in use have one, and none has another's id.
    for known in hub.engine.decided.terminals.values():
        same = hub.names.terminal(known).name == details.name and not known.revoked
        if same or known.terminal == details.name:
            raise Refused("known_name")
    return details


@routes.delete("/api/terminals/{terminal}")
async def revoke_terminal(request: web.Request) -> web.Response:
    """Never believes this terminal again."""
    hub, by = request.app[HUB], allow(request, "revoke_terminals")
    terminal = request.match_info["terminal"]
    revoked = r.RevokeTerminal(now_ms=hub.now_ms(), terminal=terminal, by=by)
    kinds: tuple[SecretKind, ...] = ("key", "token", "first_test")
    await ask(hub, Submission(revoked, secrets=tuple(Secret(terminal, kind, None) for kind in kinds)))
    return web.json_response({})


@routes.post("/api/terminals/{terminal}/test")
async def test_terminal(request: web.Request) -> web.Response:
    """Presses of this terminal are marked as tests for a while; they ring all the same."""
    hub, by = request.app[HUB], allow(request, "test_terminals")
    until_ms = hub.now_ms() + (await body_of(request, Until)).minutes * 60_000
    terminal = request.match_info["terminal"]
    await ask(hub, Submission(r.StartTest(now_ms=hub.now_ms(), terminal=terminal, until_ms=until_ms, by=by)))
    return web.json_response({"until_ms": until_ms})


@routes.delete("/api/terminals/{terminal}/test")
async def end_test(request: web.Request) -> web.Response:
    """Its presses are real ones again."""
    hub, by = request.app[HUB], allow(request, "test_terminals")
    ended = r.EndTest(now_ms=hub.now_ms(), terminal=request.match_info["terminal"], by=by)
    await ask(hub, Submission(ended))
    return web.json_response({})


@routes.post("/api/drills")
async def start_drill(request: web.Request) -> web.Response:
    """Alarms of a zone are marked as a drill for a while; they ring all the same."""
    hub, by = request.app[HUB], allow(request, "run_drills")
    given = await body_of(request, NewDrill)
    until_ms = hub.now_ms() + given.minutes * 60_000
    (zone,) = zone_ids(hub, (given.zone,))
    await ask(hub, Submission(r.StartDrill(now_ms=hub.now_ms(), zone=zone, until_ms=until_ms, by=by)))
    return web.json_response({"until_ms": until_ms})


@routes.delete("/api/drills/{zone}")
async def end_drill(request: web.Request) -> web.Response:
    """The drill is over; alarms are real ones again."""
    hub, by = request.app[HUB], allow(request, "run_drills")
    (zone,) = zone_ids(hub, (request.match_info["zone"],))
    await ask(hub, Submission(r.EndDrill(now_ms=hub.now_ms(), zone=zone, by=by)))
    return web.json_response({})
