"""The API of the administration for terminals that make their own key: a token to bring, or an answer on a stick."""

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from firstbell_linux.enrolment import EnrolRequest, Token, encode, fingerprint_of, is_address

from hub.dispatch.requests import Refused
from hub.ids import id_of
from hub.people.accounts import one_line
from hub.places.authority import load_certificate
from hub.places.tokens import Plan
from hub.web.api import body_of
from hub.web.asking import ask
from hub.web.context import HUB, Hub
from hub.web.enrolment import answered, use
from hub.web.identity import allow
from hub.web.manage import details_of, zone_ids

routes = web.RouteTableDef()


class NewAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    request: EnrolRequest
    plan: Plan


@routes.post("/api/tokens")
async def make_token(request: web.Request) -> web.Response:
    """A one-time token: who brings it makes a key of its own this terminal's."""
    hub, by = request.app[HUB], allow(request, "revoke_terminals")
    plan = _checked(hub, await body_of(request, Plan))
    details_of(hub, plan)
    with hub.naming.claim("terminal", plan.name):
        secret, kept, made = hub.tokens.make(plan, by, hub.now_ms())
        await ask(hub, made)
    certificate = load_certificate(hub.home.keys / "ca.pem")
    address = plan.address or f"{hub.settings.names[0]}:{hub.settings.listen.port}"
    token = Token(address, fingerprint_of(certificate.public_bytes(Encoding.DER)), secret)
    return web.json_response({"id": kept.terminal, "token": token.text(), "until_ms": kept.until_ms})


@routes.post("/api/answers")
async def answer(request: web.Request) -> web.Response:
    """Enrols a terminal by its request, which was carried here, once; the answer is carried back, and may be lost."""
    hub, by = request.app[HUB], allow(request, "revoke_terminals")
    given = await body_of(request, NewAnswer)
    plan, terminal = _checked(hub, given.plan), id_of("t", encode(given.request))
    kept = hub.tokens.of(terminal)
    if kept is not None and kept.used is not None and kept.plan == plan:
        return answered(kept.used.answer)
    if terminal in hub.engine.durable.terminals:
        raise Refused("request_answered")
    return answered(await use(hub, *hub.tokens.carried(terminal, plan, by, hub.now_ms()), given.request))


def _checked(hub: Hub, given: Plan) -> Plan:
    """By its zone's id, its name as it is kept. Raises Refused."""
    if given.address and not is_address(given.address):
        raise Refused("bad_address")
    (zone,) = zone_ids(hub, (given.zone,))
    return msgspec.structs.replace(given, zone=zone, name=one_line(given.name))
