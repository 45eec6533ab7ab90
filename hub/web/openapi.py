"""The API in one document (OpenAPI 3.1), made from one table: which route takes and gives what, and whom it lets in.

Handlers check by themselves; tests hold that they do as the table says, that no route is missing, and that every
answer fits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

import msgspec
from aiohttp import web
from firstbell_linux.enrolment import EnrolAnswer, EnrolRequest, EnrolState

from hub.dispatch.entries import Algorithm, Deadlines, InputState, LightState, Reason, Role, TerminalRole, UpdateState
from hub.people.roles import Permission
from hub.places.tokens import Plan
from hub.web import api, manage, tokens
from hub.web.join import CERTIFICATE_TYPE

REF = "#/components/schemas/{name}"
PROBLEM_TYPE = "application/problem+json"
BEARER = "token"

Who = Literal["anyone", "pager"] | Permission
routes = web.RouteTableDef()


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Done."""


class To(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The screen to go to."""

    to: str


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str


class GuardListed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`zones` by name; none = all."""

    id: str
    name: str
    zones: tuple[str, ...]


class Guards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    guards: tuple[GuardListed, ...]


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it stands in the ledger; null when this command was recorded before."""

    index: int | None


class Id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str


class LinkMade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time link of `id`. `join`: where a device gets the campus certificate first, "" where nowhere."""

    id: str
    link: str
    join: str


class AccountMade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`link` where no PIN was given."""

    id: str
    link: str = ""
    join: str = ""


class TokenGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token` enrols terminal `id` until then (hub time). It is shown this once."""

    id: str
    token: str
    until_ms: int


class UntilMs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hub time."""

    until_ms: int


class ZoneShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    drill_until_ms: int | None
    deadlines: Deadlines


class AccountShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pin`: whether there is one."""

    id: str
    name: str
    roles: tuple[Role, ...]
    zones: tuple[str, ...]
    pin: bool


class PagerShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`guard`: the name of who is signed on. `reasons`: why it is NOT READY."""

    id: str
    name: str
    guard: str | None
    reasons: tuple[Reason, ...]


class UpdateShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    state: UpdateState


class TerminalShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    zone: str
    role: TerminalRole
    algorithm: Algorithm
    linked: bool | None
    light: LightState
    inputs: dict[str, InputState]
    revoked: bool
    test_until_ms: int | None
    software: str
    update: UpdateShown | None
    name: str
    building: str
    floor: str
    place: str
    way: str


class TroubleShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    what: str
    about: str
    since_ms: int
    seen_by: str


class CampusShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times are hub time, `utc_ms` is the same moment as `hub_ms`."""

    campus: Named
    hub_ms: int
    utc_ms: int
    zones: tuple[ZoneShown, ...]
    accounts: tuple[AccountShown, ...]
    pagers: tuple[PagerShown, ...]
    terminals: tuple[TerminalShown, ...]
    troubles: tuple[TroubleShown, ...]


class ProblemShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """RFC 9457. `code` says why, in a word."""

    type: str
    title: str
    status: int
    code: str


Struct = type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer`: a struct of JSON, or the media type of something else. `query`: names of what is asked with. `bearer`:
    the secret of a terminal's token is asked for.
    """

    who: Who
    answer: Struct | str
    body: Struct | None = None
    query: tuple[str, ...] = ()
    bearer: bool = False


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/api/join"): Operation("anyone", To, api.Join),
    ("POST", "/api/session"): Operation("anyone", To, api.NameAndPin),
    ("POST", "/api/sign-out"): Operation("anyone", Nothing),
    ("POST", "/api/language"): Operation("anyone", Nothing, api.Language),
    ("GET", "/api/openapi.json"): Operation("anyone", "application/json"),
    ("GET", "/api/guards"): Operation("pager", Guards),
    ("POST", "/api/sign-on"): Operation("pager", Nothing, api.PinGiven),
    ("GET", "/api/campus"): Operation("see_troubles", CampusShown),
    ("POST", "/api/troubles/seen"): Operation("see_troubles", Nothing, api.TroubleNamed),
    ("POST", "/api/incidents/{incident}/commands"): Operation("act_for_guard", Index, api.Acted),
    ("POST", "/api/zones"): Operation("manage_zones", Id, manage.ZoneGiven),
    ("POST", "/api/accounts"): Operation("manage_accounts", AccountMade, manage.NewAccount),
    ("POST", "/api/accounts/{account}/pin"): Operation("manage_accounts", Nothing, manage.NewPin),
    ("POST", "/api/accounts/{account}/link"): Operation("manage_accounts", LinkMade),
    ("DELETE", "/api/accounts/{account}"): Operation("manage_accounts", Nothing),
    ("POST", "/api/pagers"): Operation("manage_pagers", LinkMade, manage.NewPager),
    ("POST", "/api/pagers/{pager}/link"): Operation("manage_pagers", LinkMade),
    ("DELETE", "/api/pagers/{pager}"): Operation("manage_pagers", Nothing),
    ("POST", "/api/boards"): Operation("manage_pagers", LinkMade, manage.NewBoard),
    ("GET", "/api/qr.svg"): Operation("manage_pagers", "image/svg+xml", query=("link",)),
    ("POST", "/api/tokens"): Operation("revoke_terminals", TokenGiven, Plan),
    ("POST", "/api/answers"): Operation("revoke_terminals", EnrolAnswer, tokens.NewAnswer),
    ("GET", "/api/enrolment/ca"): Operation("anyone", CERTIFICATE_TYPE),
    ("POST", "/api/enrolment"): Operation("anyone", EnrolAnswer, EnrolRequest, bearer=True),
    ("GET", "/api/enrolment"): Operation("anyone", EnrolState, bearer=True),
    ("POST", "/api/terminals"): Operation("revoke_terminals", Id, manage.NewTerminal),
    ("DELETE", "/api/terminals/{terminal}"): Operation("revoke_terminals", Nothing),
    ("POST", "/api/terminals/{terminal}/test"): Operation("test_terminals", UntilMs, manage.Until),
    ("DELETE", "/api/terminals/{terminal}/test"): Operation("test_terminals", Nothing),
    ("POST", "/api/drills"): Operation("run_drills", UntilMs, manage.NewDrill),
    ("DELETE", "/api/drills/{zone}"): Operation("run_drills", Nothing),
    ("GET", "/checkpoint"): Operation("anyone", "text/plain"),
    ("GET", "/tile/{name}"): Operation("anyone", "application/octet-stream"),
    ("GET", "/ws/pager"): Operation("pager", "websocket"),
    ("GET", "/ws/board"): Operation("see_board", "websocket"),
    ("GET", "/ws/terminal"): Operation("anyone", "websocket"),
}


@routes.get("/api/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """This document."""
    return web.Response(body=document(summaries(request.app)), content_type="application/json")


def summaries(app: web.Application) -> tuple[tuple[str, str, str], ...]:
    """(method, path, first line of the docstring) of every route of an application."""
    found = []
    for route in app.router.routes():
        if route.method != "HEAD" and route.resource is not None:
            says = (route.handler.__doc__ or "").strip().partition("\n")[0]
            found.append((route.method, route.resource.canonical, says))
    return tuple(found)


@cache
def document(told: tuple[tuple[str, str, str], ...]) -> bytes:
    says = {(method, path): text for method, path, text in told}
    types: set[Struct] = {ProblemShown}
    for one in OPERATIONS.values():
        types |= {kind for kind in (one.answer, one.body) if kind is not None and not isinstance(kind, str)}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(path, operation, says.get((method, path), ""))
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Firstbell hub", "version": version("firstbell")},
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _operation(path: str, operation: Operation, summary: str) -> dict[str, Any]:
    described: dict[str, Any] = {"summary": summary, "x-who": operation.who, "responses": _responses(operation)}
    asked = [("path", part[1:-1]) for part in path.split("/") if part.startswith("{")]
    asked += [("query", name) for name in operation.query]
    if asked:
        described["parameters"] = [
            {"name": name, "in": where, "required": True, "schema": {"type": "string"}} for where, name in asked
        ]
    if operation.bearer:
        described["security"] = [{BEARER: []}]
    if operation.body is not None:
        schema = {"$ref": REF.format(name=operation.body.__name__)}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    problem = {
        "description": "Not done; `code` says why.",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": REF.format(name=ProblemShown.__name__)}}},
    }
    if operation.answer == "websocket":
        return {"101": {"description": "A WebSocket (PROTOCOL.md)."}, "default": problem}
    if isinstance(operation.answer, str):
        content: dict[str, Any] = {operation.answer: {}}
    else:
        content = {"application/json": {"schema": {"$ref": REF.format(name=operation.answer.__name__)}}}
    return {"200": {"description": "Done.", "content": content}, "default": problem}
