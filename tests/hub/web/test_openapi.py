"""The one document of the API: every route is in it, and every answer fits what it says."""

import secrets
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp.web import RouteDef
from firstbell.jws import Ed25519Signer, b64url
from firstbell_linux.enrolment import parse_token

from hub.web import api, enrolment, log, manage, openapi, screens, tokens
from hub.web.openapi import OPERATIONS
from tests.hub.web.running import PIN, Answer, Browser, RunningHub

DOCUMENTED = ("/api/", "/checkpoint", "/tile/", "/ws/")


def test_every_route_is_in_it_and_no_other() -> None:
    defined = {
        (route.method, route.path.replace(":.+", ""))
        for part in (api, manage, tokens, enrolment, openapi, log, screens)
        for route in part.routes
        if isinstance(route, RouteDef)
    }
    assert {key for key in defined if key[1].startswith(DOCUMENTED)} == set(OPERATIONS)


async def test_it_is_served_whole(hub: RunningHub) -> None:
    document = (await (await hub.browser()).get("/api/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == set(OPERATIONS)
    assert all(one["summary"] for methods in document["paths"].values() for one in methods.values())
    assert references(document) == set(document["components"]["schemas"])


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].rpartition("/")[2]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


class Checked:
    """A browser whose every answer is held against the document."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.seen: set[tuple[str, str]] = set()

    async def ask(self, method: str, path: str, body: object = None, **places: str) -> Answer:
        operation = OPERATIONS[method, path]
        real = path.format(**{name: quote(place, safe="") for name, place in places.items() if name != "query"})
        bearer = {"Authorization": f"Bearer {places['token']}"} if "token" in places else {}
        answer = await self.browser.ask(method, real + places.get("query", ""), body, **bearer)
        assert answer.status == 200, (method, path, answer.body)
        if isinstance(operation.answer, str):
            assert answer.headers["Content-Type"].startswith(operation.answer)
        else:
            msgspec.json.decode(answer.body, type=operation.answer)
        self.seen.add((method, path))
        return answer


async def test_every_answer_fits(hub: RunningHub) -> None:
    """An administrator's whole day, then a guard's."""
    admin = Checked(await hub.person("admin", name="Ada"))
    zone = (await admin.ask("POST", "/api/zones", {"name": "West"})).json["id"]
    await admin.ask("POST", "/api/zones", {"name": "West", "rename": "South", "deadlines": {"accepted_ms": 20_000}})
    guard = (await admin.ask("POST", "/api/accounts", {"name": "Bo", "zones": ["South"], "pin": PIN})).json["id"]
    linked = (await admin.ask("POST", "/api/accounts", {"name": "Cy", "roles": ["leader"]})).json
    await admin.ask("POST", "/api/accounts/{account}/link", {}, account=guard)
    await admin.ask("POST", "/api/accounts/{account}/pin", {"pin": PIN}, account=guard)
    made = (await admin.ask("POST", "/api/pagers", {"name": "Gate"})).json
    again = (await admin.ask("POST", "/api/pagers/{pager}/link", {}, pager=made["id"])).json["link"]
    await admin.ask("GET", "/api/qr.svg", query=f"?link={quote(again)}")
    key = b64url(Ed25519Signer(secrets.token_bytes(32)).public_key())
    terminal = {"name": "Roof", "zone": zone, "algorithm": "HS256", "key": key, "inputs": {"panic": "panic"}}
    enrolled = (await admin.ask("POST", "/api/terminals", terminal)).json["id"]
    await admin.ask("POST", "/api/terminals/{terminal}/test", {"minutes": 5}, terminal=enrolled)
    await admin.ask("DELETE", "/api/terminals/{terminal}/test", terminal=enrolled)
    asked = {"board": "pi", "key": key}
    await admin.ask("POST", "/api/answers", {"plan": {"name": "Far", "zone": zone}, "request": asked})
    given = await admin.ask("POST", "/api/tokens", {"name": "Near", "zone": zone})
    secret = parse_token(given.json["token"]).secret
    await admin.ask("GET", "/api/enrolment/ca")
    await admin.ask("POST", "/api/enrolment", asked, token=secret)
    await admin.ask("GET", "/api/enrolment", token=secret)
    await admin.ask("POST", "/api/drills", {"zone": "South", "minutes": 5})
    await admin.ask("DELETE", "/api/drills/{zone}", zone=zone)
    async with hub.wall() as wall:
        await wall.say("tamper")
        (trouble,) = [t for t in (await admin.ask("GET", "/api/campus")).json["troubles"] if t["what"] == "tamper"]
    await admin.ask("POST", "/api/troubles/seen", {key: trouble[key] for key in ("what", "about")})
    await admin.ask("POST", "/api/boards", {"account": guard})

    pager = Checked(await hub.browser())
    await pager.ask("POST", "/api/language", {"language": "en"})
    await pager.ask("POST", "/api/join", {"code": again.rpartition("/")[2]})
    guards = (await pager.ask("GET", "/api/guards")).json["guards"]
    assert guards == [{"id": guard, "name": "Bo", "zones": ["South"]}]
    await pager.ask("POST", "/api/sign-on", {"account": guard, "pin": PIN})
    await pager.ask("GET", "/checkpoint")
    await pager.ask("GET", "/tile/{name}", name="0/000.p/1")
    await pager.ask("GET", "/api/openapi.json")

    await admin.ask("DELETE", "/api/pagers/{pager}", pager=made["id"])
    await admin.ask("DELETE", "/api/terminals/{terminal}", terminal=enrolled)
    await admin.ask("DELETE", "/api/accounts/{account}", account=linked["id"])
    await admin.ask("POST", "/api/session", {"name": "Ada", "pin": PIN})
    await admin.ask("POST", "/api/sign-out")
    missing = {key for key in OPERATIONS if not key[1].startswith("/ws/")} - admin.seen - pager.seen
    assert missing == {("POST", "/api/incidents/{incident}/commands")}
