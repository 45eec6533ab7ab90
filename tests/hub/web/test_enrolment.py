"""A terminal's way in over https: whom the hub believes, what it answers, and what it never does twice."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.x509 import load_der_x509_certificate
from firstbell.jws import Ed25519Signer, b64url
from firstbell_linux.enrolment import (
    REQUEST_BYTES_MAX,
    EnrolAnswer,
    EnrolRequest,
    agree_at_node,
    decode,
    encode,
    fingerprint_of,
    key_bytes,
    parse_token,
    shown,
)

from hub.places.authority import fingerprint, load_certificate
from tests.hub.web.running import Answer, Browser, RunningHub, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

PI = EnrolRequest("pi", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


async def token(hub: RunningHub, name: str, **plan: object) -> str:
    """The secret of a new one."""
    made = await (await hub.console()).post("/api/tokens", {"name": name, "zone": "East", **plan})
    assert made.status == 200, made.body
    return parse_token(made.json["token"]).secret


async def enrol(browser: Browser, secret: str, request: EnrolRequest = PI, **headers: str) -> Answer:
    said = {"Authorization": f"Bearer {secret}", "Origin": "", **headers}
    return await browser.post("/api/enrolment", json.loads(encode(request)), **said)


async def state(browser: Browser, secret: str) -> Answer:
    return await browser.get("/api/enrolment", Authorization=f"Bearer {secret}")


async def terminals(hub: RunningHub) -> dict[str, dict[str, object]]:
    listed = (await (await hub.console()).get("/api/campus")).json["terminals"]
    return {terminal["name"]: terminal for terminal in listed}


async def test_the_token_leads_to_the_certificate(hub: RunningHub) -> None:
    made = await (await hub.console()).post("/api/tokens", {"name": "Door", "zone": "East"})
    said = parse_token(made.json["token"])
    assert said.address == hub.url.removeprefix("https://")
    answer = await (await hub.browser()).get("/api/enrolment/ca", Host="10.1.2.3:8443", Origin="")
    assert answer.status == 200, answer.body
    der = answer.body
    assert fingerprint_of(der) == said.fingerprint
    certificate = load_certificate(hub.home.keys / "ca.pem")
    assert load_der_x509_certificate(der) == certificate
    assert shown(said.fingerprint) == fingerprint(certificate)


async def test_a_pi_is_enrolled_and_tested(hub: RunningHub) -> None:
    secret, browser = await token(hub, " Gym  hall ", building="B", silent=True), await hub.browser()
    answer = decode((await enrol(browser, secret)).body, EnrolAnswer)
    assert (answer.key, answer.hub_key) == (PI.key, None)
    assert answer.ca == (hub.home.keys / "ca.pem").read_text()
    assert answer.vkey == hub.home.vkey.read_text()
    known = (await terminals(hub))["Gym hall"]
    assert f'terminal = "{known["id"]}"\nname = "Gym hall"' in answer.settings
    assert (known["algorithm"], known["building"], known["linked"]) == ("EdDSA", "B", None)
    assert known["test_until_ms"]
    assert (await state(browser, secret)).json == {"terminal": known["id"], "linked": False, "tested_at_ms": None}


async def test_a_node_agrees_on_its_key(hub: RunningHub) -> None:
    secret, own = await token(hub, "Node", role="bell"), X25519PrivateKey.generate()
    request = EnrolRequest("pico", b64url(own.public_key().public_bytes_raw()))
    said = (await enrol(await hub.browser(), secret, request)).body
    answer = decode(said, EnrolAnswer)
    assert answer.hub_key is not None
    key = agree_at_node(own, key_bytes(answer.hub_key))
    assert 'algorithm = "HS256"' in answer.settings
    assert "sounder_pin" in answer.settings
    assert b64url(key).encode() not in said
    assert (await terminals(hub))["Node"]["algorithm"] == "HS256"


async def test_the_same_again_is_answered_the_same_and_nothing_else_is(hub: RunningHub) -> None:
    secret, own = await token(hub, "Again"), X25519PrivateKey.generate()
    request = EnrolRequest("pico", b64url(own.public_key().public_bytes_raw()))
    first = await enrol(await hub.browser(), secret, request)
    again = await enrol(await hub.browser(), secret, request)
    assert (again.status, again.body) == (200, first.body)
    for other in (PI, EnrolRequest("pi", request.key)):
        assert (await enrol(await hub.browser(), secret, other)).code == "token_used"


async def test_of_two_at_once_one_wins(hub: RunningHub) -> None:
    secret = await token(hub, "Race")
    keys = [Ed25519Signer(bytes([number]) * 32).public_key() for number in range(8)]
    requests = [EnrolRequest("pi", b64url(key)) for key in keys]
    browsers = [await hub.browser() for _ in requests]
    with hub.disk_held():
        asking = [asyncio.create_task(enrol(*one)) for one in zip(browsers, [secret] * 8, requests, strict=True)]
        waiting = set(asking)
        while len(waiting) > 1:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result().code for task in done} == {"busy"}
    answers = [await task for task in asking]
    (winner,) = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert {answer.code for answer in answers} == {"", "busy"}
    for number, request in enumerate(requests):
        again = await enrol(browsers[number], secret, request)
        assert again.code == ("" if number == winner else "token_used")
    assert decode(answers[winner].body, EnrolAnswer).key == requests[winner].key


async def test_what_is_no_token_is_counted_and_refused(hub: RunningHub) -> None:
    browser = await hub.browser()
    for authorization in ("", "Bearer", "Bearer ", "Bearer " + "A" * 22, "Basic eDp4", "x" * 5_000):
        for answer in (
            await browser.post("/api/enrolment", json.loads(encode(PI)), Authorization=authorization),
            await browser.get("/api/enrolment", Authorization=authorization),
        ):
            assert (answer.status, answer.code) == (404, "unknown_token")
    secret = await token(hub, "Unused")
    assert (await state(browser, secret)).code == "token_unused"
    assert (await state(browser, secret.upper())).code == "unknown_token"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b'{"board":"pi","key":"' + b"A" * 42 + b'"}', "malformed"),
        (b'{"board":"pico","key":"' + b"A" * 43 + b'"}', "bad_key"),
        (b'{"board":"pi","key":"' + b"_" * 43 + b'"}', "bad_key"),
        (b'{"board":"pi","key":"' + b"A" * 43 + b'"}', "bad_key"),
        (encode(PI) + b" " * REQUEST_BYTES_MAX, "http_413"),
    ],
)
async def test_a_wrong_request_uses_nothing_up(hub: RunningHub, body: bytes, code: str) -> None:
    secret, browser = await token(hub, "Wrong"), await hub.browser()
    headers = {"Authorization": f"Bearer {secret}", "X-Firstbell": "1", "Content-Type": "application/json"}
    async with browser.session.post(f"{hub.url}/api/enrolment", data=body, headers=headers) as answer:
        assert (await answer.json(content_type=None))["code"] == code
    assert (await state(browser, secret)).code == "token_unused"


async def test_a_foreign_page_enrols_nothing(hub: RunningHub) -> None:
    secret = await token(hub, "Page")
    answer = await enrol(await hub.browser(), secret, Origin="https://evil.example")
    assert answer.code == "wrong_origin"
    assert (await enrol(await hub.browser(), secret, PI, **{"X-Firstbell": ""})).code == "wrong_origin"


async def test_a_name_that_was_taken_meanwhile(hub: RunningHub) -> None:
    secret, console = await token(hub, "Taken"), await hub.console()
    body = {"name": "Taken", "zone": "East", "algorithm": "EdDSA", "key": PI.key, "inputs": {"panic": "panic"}}
    taken = (await console.post("/api/terminals", body)).json["id"]
    assert (await console.post("/api/tokens", {"name": "Taken", "zone": "East"})).code == "known_name"
    assert (await enrol(await hub.browser(), secret)).code == "known_name"
    await console.ask("DELETE", f"/api/terminals/{taken}")
    assert (await enrol(await hub.browser(), secret)).status == 200


async def test_the_token_ends_with_its_terminal(hub: RunningHub) -> None:
    secret, browser = await token(hub, "Stolen"), await hub.browser()
    await enrol(browser, secret)
    terminal = (await state(browser, secret)).json["terminal"]
    await (await hub.console()).ask("DELETE", f"/api/terminals/{terminal}")
    assert (await state(browser, secret)).code == "unknown_token"
    assert (await enrol(browser, secret)).code == "unknown_token"


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({"zone": "Moon"}, "unknown_zone"),
        ({"name": " "}, "bad_text"),
        ({"name": "x" * 37}, "bad_text"),
        ({"building": "x" * 37}, "bad_text"),
        ({"address": "nowhere"}, "bad_address"),
        ({"role": "fridge"}, "malformed"),
    ],
)
async def test_no_token_for_what_no_terminal_can_be(hub: RunningHub, plan: dict[str, str], code: str) -> None:
    made = await (await hub.console()).post("/api/tokens", {"name": "Odd", "zone": "East", **plan})
    assert made.code == code


async def test_an_answer_on_a_stick(hub: RunningHub) -> None:
    admin = await hub.person("maintainer")
    plan = {"name": "Far", "zone": "East", "address": "10.0.0.2:8443"}
    body = {"request": json.loads(encode(PI)), "plan": plan}
    said = (await admin.post("/api/answers", body)).body
    answer = decode(said, EnrolAnswer)
    assert answer.key == PI.key
    assert 'address = "10.0.0.2:8443"' in answer.settings
    assert (await terminals(hub))["Far"]["test_until_ms"]
    assert (await admin.post("/api/answers", body)).body == said
    other = EnrolRequest("pi", b64url(Ed25519Signer(bytes(32)).public_key()))
    for changed, code in (
        ({"request": json.loads(encode(other))}, "known_name"),
        ({"plan": plan | {"silent": True}}, "request_answered"),
        ({"plan": plan | {"name": "x" * 37}}, "request_answered"),
    ):
        assert (await admin.post("/api/answers", body | changed)).code == code


async def test_a_slow_disk_keeps_the_token(hub: RunningHub) -> None:
    secret, browser = await token(hub, "Slow"), await hub.browser()
    with hub.disk_held():
        assert (await enrol(browser, secret)).code == "disk_waits"
        assert (await enrol(browser, secret)).code == "disk_waits"
    await hub.until(lambda: _used(browser, secret))
    assert (await enrol(browser, secret)).status == 200


async def _used(browser: Browser, secret: str) -> bool:
    return (await state(browser, secret)).status == 200
