"""What the API does not do: a problem detail (RFC 9457) that says why, in a word."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from firstbell.jws import Ed25519Signer, b64url

from hub.web.openapi import PROBLEM_TYPE, ProblemShown
from tests.hub.web.running import RunningHub, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    """One for all tests of this file: none of them changes what another looks at."""
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/api/zones", {"name": ""}, 409, "bad_text"),
        ("POST", "/api/zones", {"name": "x" * 37}, 409, "bad_text"),
        ("POST", "/api/zones", {"name": "a\u202eb"}, 409, "bad_text"),
        ("POST", "/api/zones", {"name": "x" * 201}, 400, "malformed"),
        ("POST", "/api/zones", {}, 400, "malformed"),
        ("POST", "/api/zones", {"name": "a", "more": 1}, 400, "malformed"),
        ("POST", "/api/zones", {"name": "East", "deadlines": {"accepted_ms": 1}}, 400, "malformed"),
        ("POST", "/api/zones", {"name": "East", "deadlines": {"never_ms": 5000}}, 400, "malformed"),
        ("POST", "/api/accounts", {"name": "Root"}, 409, "known_name"),
        ("POST", "/api/accounts", {"name": "  Root "}, 409, "known_name"),
        ("POST", "/api/accounts", {"name": "X", "roles": []}, 409, "no_role"),
        ("POST", "/api/accounts", {"name": "X", "roles": ["king"]}, 400, "malformed"),
        ("POST", "/api/accounts", {"name": "X", "zones": ["Nowhere"]}, 404, "unknown_zone"),
        ("POST", "/api/accounts", {"name": "X", "pin": "12345"}, 409, "pin_digits"),
        ("POST", "/api/accounts", {"name": "X", "pin": "123456"}, 409, "pin_simple"),
        ("DELETE", "/api/accounts/a-none", None, 404, "unknown_account"),
        ("DELETE", "/api/pagers/p-none", None, 404, "unknown_pager"),
        ("DELETE", "/api/terminals/t-none", None, 404, "unknown_terminal"),
        ("POST", "/api/drills", {"zone": "East", "minutes": 0}, 400, "malformed"),
        ("POST", "/api/drills", {"zone": "East", "minutes": 121}, 400, "malformed"),
        ("DELETE", "/api/drills/none", None, 404, "unknown_zone"),
        ("POST", "/api/boards", {"account": "Nobody"}, 404, "unknown_account"),
        ("GET", "/api/none", None, 404, "http_404"),
        ("PUT", "/api/zones", {}, 405, "http_405"),
    ],
)
async def test_a_refusal_is_a_problem(
    hub: RunningHub, method: str, path: str, body: object, status: int, code: str
) -> None:
    answer = await (await hub.console()).ask(method, path, body)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Content-Type"].startswith(PROBLEM_TYPE)
    shown = msgspec.json.decode(answer.body, type=ProblemShown)
    assert shown.status == status


async def test_two_zones_cannot_have_one_name(hub: RunningHub) -> None:
    console = await hub.console()
    await console.post("/api/zones", {"name": "West"})
    assert (await console.post("/api/zones", {"name": "West", "rename": "East"})).code == "known_name"
    assert (await console.post("/api/zones", {"name": "West", "rename": "West"})).status == 200


@pytest.mark.parametrize("path", ["/api/zones", "/api/accounts", "/api/pagers"])
async def test_a_name_that_many_ask_for_at_once_is_given_once(hub: RunningHub, path: str) -> None:
    console = await hub.console()
    answers = await asyncio.gather(*(console.post(path, {"name": "Twin"}) for _ in range(12)))
    codes = [answer.code for answer in answers]
    # Who comes later finds the zone there, and leaves it as it is.
    assert set(codes) <= {"", "known_name"}
    ids = {answer.json["id"] for answer in answers if not answer.code}
    campus = (await console.get("/api/campus")).json
    assert [one["id"] for one in campus[path.removeprefix("/api/")] if one["name"] == "Twin"] == list(ids)


async def test_two_zones_renamed_at_once_do_not_become_one(hub: RunningHub) -> None:
    console = await hub.console()
    for name in ("Left", "Right"):
        await console.post("/api/zones", {"name": name})
    asked = [console.post("/api/zones", {"name": name, "rename": "Middle"}) for name in ("Left", "Right")]
    assert sorted(answer.code for answer in await asyncio.gather(*asked)) == ["", "known_name"]


# ── terminals ───────────────────────────────────────────────────────────────────────────────────────────────

KEY = b64url(Ed25519Signer(b"k" * 32).public_key())
numbers = itertools.count(1)


async def enrol(hub: RunningHub, **more: Any) -> str:
    body = {"zone": "East", "algorithm": "EdDSA", "key": KEY, "inputs": {"panic": "panic"}}
    return (await (await hub.console()).post("/api/terminals", {"name": f"Wall {next(numbers)}", **body, **more})).code


async def test_no_two_terminals_in_use_have_one_name(hub: RunningHub) -> None:
    """Nor has one another's id for its name; a revoked one's name is free again."""
    console = await hub.console()
    codes = await asyncio.gather(*(enrol(hub, name="Twin") for _ in range(12)))
    assert sorted(codes) == ["", *["known_name"] * 11]
    (twin,) = [one["id"] for one in (await console.get("/api/campus")).json["terminals"] if one["name"] == "Twin"]
    assert [await enrol(hub, name=name) for name in (" Twin ", twin)] == ["known_name"] * 2
    await console.ask("DELETE", f"/api/terminals/{twin}")
    assert [await enrol(hub, name=name) for name in ("Twin", twin)] == ["", "known_name"]


@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
@pytest.mark.parametrize("key", ["", "AA", "AAAA", "!!!", "é" * 43, KEY + "=", KEY[:-1], b64url(b"k" * 33), f" {KEY}"])
async def test_a_terminals_key_is_32_bytes(hub: RunningHub, algorithm: str, key: str) -> None:
    assert await enrol(hub, algorithm=algorithm, key=key) == "bad_key"
    assert await enrol(hub, algorithm=algorithm) == ""


@pytest.mark.parametrize("terminal", ["t-aaaaaaaaaa\n", "\n", "\nt-aaaaaaaaaa", "t-AAAAAAAAAA", "t-aaaaaaaaaaa"])
async def test_a_terminals_id_is_nothing_else(hub: RunningHub, terminal: str) -> None:
    assert await enrol(hub, id=terminal) == "malformed"


@pytest.mark.parametrize("command", ["command-1\n", "\ncommand-1", "command 1", "command"])
async def test_a_commands_id_is_nothing_else(hub: RunningHub, command: str) -> None:
    body = {"id": command, "do": "accept", "guard": ""}
    answer = await (await hub.browser()).post("/api/incidents/i-none/commands", body)
    assert answer.code == "malformed"


@pytest.mark.parametrize("name", ["", "Panic", "weird name", "panic\n", "p" * 17, "p-1", "门"])
async def test_an_input_has_a_name_that_the_wire_can_say(hub: RunningHub, name: str) -> None:
    assert await enrol(hub, inputs={"panic": "panic", name: "panic"}) == "bad_input"


async def test_a_terminal_has_so_many_inputs(hub: RunningHub) -> None:
    assert await enrol(hub, inputs={f"panic_{number}": "panic" for number in range(17)}) == "too_many_inputs"
    assert await enrol(hub, inputs={f"panic_{number}_23456789"[:16]: "panic" for number in range(10, 26)}) == ""
    assert await enrol(hub, inputs={}, role="bell") == ""
