"""The API of the administration for terminals that make their own key: a token to bring, or an answer on a stick."""

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from firstbell_linux.enrolment import EnrolRequest, Token, encode, fingerprint_of, is_address

from hub.dispatch.requests import Refused
from hub.ids import new_id
from hub.places.authority import load_certificate
from hub.places.tokens import Plan
from hub.web.api import body_of
from hub.web.asking import ask
from hub.web.context import HUB, Hub
from hub.web.enrolment import answer_to, enrol_asked
from hub.web.identity import allow
from hub.web.manage import TerminalId, details_of, zone_ids

routes = web.RouteTableDef()


class NewAnswer(Plan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id`: one by chance that nobody has; without it the hub makes one."""

    request: EnrolRequest
    id: TerminalId = ""


@routes.post("/api/tokens")
async def make_token(request: web.Request) -> web.Response:
    """A one-time token: who brings it makes a key of its own this terminal's."""
    hub, by = request.app[HUB], allow(request, "revoke_terminals")
    plan = _checked(hub, await body_of(request, Plan))
    with hub.naming.claim("terminal", plan.name):
        secret, kept, made = hub.tokens.make(plan, by, hub.now_ms())
        await ask(hub, made)
    certificate = load_certificate(hub.home.keys / "ca.pem")
    address = plan.address or f"{hub.settings.names[0]}:{hub.settings.listen.port}"
    token = Token(address, fingerprint_of(certificate.public_bytes(Encoding.DER)), secret)
    return web.json_response({"id": kept.terminal, "token": token.text(), "until_ms": kept.until_ms})


@routes.post("/api/answers")
async def answer(request: web.Request) -> web.Response:
    """Enrols a terminal by its request, which was carried here; the answer is carried back."""
    hub, by = request.app[HUB], allow(request, "revoke_terminals")
    given = await body_of(request, NewAnswer)
    plan, terminal = _checked(hub, given), given.id or new_id("t")
    key, answer = answer_to(hub, terminal, plan, given.request)
    await enrol_asked(hub, terminal, plan, given.request.board, key, by)
    return web.Response(body=encode(answer), content_type="application/json")


def _checked(hub: Hub, given: Plan) -> Plan:
    """By its zone's id, and as a terminal can be. Raises Refused."""
    if given.address and not is_address(given.address):
        raise Refused("bad_address")
    (zone,) = zone_ids(hub, (given.zone,))
    return msgspec.structs.replace(given, zone=zone, name=details_of(hub, given).name)
