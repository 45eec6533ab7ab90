"""How a terminal comes to a hub that it does not know yet: the campus certificate, and its own key for a token.

Whoever asks here has no cookie and no account. The token's secret comes as `Authorization: Bearer`, over a connection
that shows the certificate whose fingerprint is in the token.
"""

from aiohttp import web
from firstbell.fields import is_ipv4_address
from firstbell_linux.enrolment import Board, EnrolAnswer, EnrolmentError, EnrolRequest, EnrolState, decode, encode

from hub.dispatch.batch import Secret
from hub.dispatch.requests import Refused
from hub.places.enrolment import TerminalKey, agree, hub_to_find, settings_text, usual_wiring
from hub.places.tokens import KeptToken, Plan, begin_test, use_token
from hub.web import join
from hub.web.api import read_body
from hub.web.asking import DISK_WAITS
from hub.web.context import HUB, Hub
from hub.web.manage import enrol
from hub.web.security import Problem

BEARER = "bearer"

routes = web.RouteTableDef()


@routes.get("/api/enrolment/ca")
async def certificate(request: web.Request) -> web.StreamResponse:
    """The campus certificate (DER), to be compared with a fingerprint before it is trusted."""
    return await join.certificate(request)


@routes.post("/api/enrolment")
async def enrol_by_token(request: web.Request) -> web.Response:
    """Enrols a terminal, once for a token. The same request again gets the same answer, which may have been lost."""
    hub = request.app[HUB]
    asked = await _asked(request)
    secret, token = _token(request)
    if token.used is None:
        return answered(await use(hub, secret, token, asked))
    if token.used.request != asked:
        raise Refused("token_used")
    return answered(token.used.answer)


@routes.get("/api/enrolment")
async def state(request: web.Request) -> web.Response:
    """Whether the terminal of a used token is linked, and when an alarm of it was marked as a test."""
    hub = request.app[HUB]
    _, token = _token(request)
    terminal = hub.engine.durable.terminals.get(token.terminal)
    if token.used is None or terminal is None:
        raise Refused("token_unused")
    tested_ms = await hub.lookups.ask(lambda reader: reader.tested_ms(terminal.terminal))
    said = EnrolState(terminal.terminal, terminal.linked is True, tested_ms)
    return web.Response(body=encode(said), content_type="application/json")


async def _asked(request: web.Request) -> EnrolRequest:
    try:
        return decode(await read_body(request), EnrolRequest)
    except EnrolmentError as error:
        oversized = error.reason == "oversized"
        raise (Problem(413, "http_413") if oversized else Problem(400, "malformed")) from error


def _token(request: web.Request) -> tuple[str, KeptToken]:
    """The secret, and the token that it is of. Raises Refused."""
    hub = request.app[HUB]
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        return secret, hub.tokens.look(secret if scheme.lower() == BEARER else "", hub.now_ms())
    except Refused as refused:
        if refused.reason == "unknown_token":
            hub.terminals.strangers.count(refused.reason, hub.now_ms())
        raise


async def use(hub: Hub, secret: str, token: KeptToken, asked: EnrolRequest) -> EnrolAnswer:
    """What the terminal is told that the token makes. Raises Refused."""
    with hub.naming.claim("token", token.terminal, "busy"):
        if token.terminal in hub.engine.decided.terminals:
            # It is used, and the disk has not got it yet.
            raise Refused(DISK_WAITS)
        key, answer = _answer_to(hub, token.terminal, token.plan, asked)
        used = use_token(secret, token, asked, answer, hub.now_ms())
        await _enrol(hub, token, asked.board, key, used)
    return answer


def _answer_to(hub: Hub, terminal: str, plan: Plan, asked: EnrolRequest) -> tuple[TerminalKey, EnrolAnswer]:
    """The terminal's key as the hub has it, and what its owner is told. Raises Refused: bad_key, address_not_ipv4."""
    if asked.board == "pico" and plan.address and not is_ipv4_address(plan.address):
        raise Refused("address_not_ipv4")
    key, hub_key = agree(asked)
    found = hub_to_find(hub.home, hub.settings, hub.engine.durable.campus, plan.address)
    wiring = usual_wiring(plan.role, asked.board)
    settings = settings_text(terminal, plan.name, plan.role, key.algorithm, found, wiring, plan.silent)
    return key, EnrolAnswer(asked.key, settings, found.ca_pem.decode(), f"{found.vkey}\n", hub_key)


async def _enrol(hub: Hub, token: KeptToken, board: Board, key: TerminalKey, used: Secret) -> None:
    """Its presses are tests for a while, and once more from its first link on. Raises Refused."""
    terminal, by = token.terminal, token.by
    inputs = {name: kind for name, (kind, _pin) in usual_wiring(token.plan.role, board).inputs.items()}
    kept = (Secret(terminal, "first_test", by.encode()), used)
    await enrol(hub, token.plan, terminal, key, inputs, by, kept, begin_test(terminal, by, hub.now_ms()))


def answered(answer: EnrolAnswer) -> web.Response:
    return web.Response(body=encode(answer), content_type="application/json")
