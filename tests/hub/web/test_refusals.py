"""What the API does not do: a problem detail (RFC 9457) that says why, in a word."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

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
