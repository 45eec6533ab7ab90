"""What holds for every answer and every request: headers, origins, hosts, sizes, escaping."""

import asyncio
import html
import json
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from hub.web.security import BODY_BYTES_MAX, HEADERS, Problem, guard_console
from tests.hub.web.running import PIN, Browser, RunningHub, running_hub

MARKUP = "<img src=x onerror=\"alert('1')\">&"
SCREENS = ("/pager", "/admin", "/join/none")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    """One for all tests of this file: none of them changes what another looks at."""
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.mark.parametrize("path", [*SCREENS, "/", "/checkpoint", "/api/guards", "/none", "/static/parts/base.css"])
async def test_every_answer_has_the_headers(hub: RunningHub, path: str) -> None:
    answer = await (await hub.browser()).get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "Strict-Transport-Security" not in answer.headers
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", SCREENS)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_no_screen_has_what_the_policy_forbids(hub: RunningHub, path: str, language: str) -> None:
    text = (await (await hub.browser()).get(path, **{"Accept-Language": language})).body.decode()
    assert f'<html lang="{language}">' in text
    for forbidden in ("<style", " style=", " onclick", " onload", "javascript:"):
        assert forbidden not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/')


async def test_a_person_may_choose_the_language(hub: RunningHub) -> None:
    browser = await hub.browser()
    assert (await browser.post("/api/language", {"language": "en"})).status == 200
    text = (await browser.get("/pager", **{"Accept-Language": "zh-CN"})).body.decode()
    assert '<html lang="en">' in text
    assert (await browser.post("/api/language", {"language": "tlh"})).code == "malformed"


# ── who may change something ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://evil.example"}, "wrong_origin"),
        ({"Origin": "null"}, "wrong_origin"),
        ({"Origin": "http://localhost"}, "wrong_origin"),
        ({"X-Firstbell": ""}, "wrong_origin"),
        ({"X-Firstbell": "0"}, "wrong_origin"),
        ({"Host": "evil.example"}, "wrong_host"),
        ({"Host": "evil.example", "Origin": "https://evil.example"}, "wrong_host"),
    ],
)
async def test_a_foreign_page_changes_nothing(hub: RunningHub, headers: dict[str, str], code: str) -> None:
    """It has the person's cookies on its side, and still gets nowhere."""
    admin = await hub.person("admin")
    answer = await admin.post("/api/zones", {"name": "Theirs"}, **headers)
    assert answer.code == code
    zones = (await admin.get("/api/campus")).json["zones"]
    assert [zone["name"] for zone in zones] == ["East"]


async def test_another_port_on_this_machine_is_foreign_too(hub: RunningHub) -> None:
    admin = await hub.person("admin")
    answer = await admin.post("/api/zones", {"name": "Theirs"}, Origin="https://localhost:1")
    assert answer.code == "wrong_origin"


async def test_a_form_cannot_be_sent_from_elsewhere(hub: RunningHub) -> None:
    """A form needs no permission of the browser's, but can't add our header."""
    admin = await hub.person("admin")
    async with admin.session.post(f"{hub.url}/api/zones", data={"name": "Theirs"}) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (403, "wrong_origin")


async def test_cookies_are_kept_from_scripts_and_other_sites(hub: RunningHub) -> None:
    pager = await hub.pager()
    await hub.person("admin", name="Ada")
    signed_in = await (await hub.browser()).post("/api/session", {"name": "Ada", "pin": PIN})
    header = signed_in.headers["Set-Cookie"]
    assert header.startswith("__Host-firstbell_session=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(header.split("; "))
    assert "Domain" not in header
    assert pager.cookie("__Host-firstbell_pager")


@pytest.mark.parametrize("path", ["/ws/pager", "/ws/board"])
@pytest.mark.parametrize("origin", ["https://evil.example", "", "null"])
async def test_no_foreign_page_opens_a_socket(hub: RunningHub, path: str, origin: str) -> None:
    browser = await hub.pager() if path == "/ws/pager" else await hub.person("admin")
    assert await socket_status(browser, path, origin) == 403
    assert await socket_status(browser, path, hub.url) == 101


@pytest.mark.parametrize("path", ["/ws/pager", "/ws/board"])
async def test_a_stranger_opens_no_socket(hub: RunningHub, path: str) -> None:
    assert await socket_status(await hub.browser(), path, hub.url) == 401


async def socket_status(browser: Browser, path: str, origin: str) -> int:
    headers = {"Origin": origin} if origin else {}
    try:
        async with browser.session.ws_connect(browser.url + path, headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


async def test_a_terminal_comes_under_whatever_address_it_found(hub: RunningHub) -> None:
    async with hub.wall(host="192.168.44.5:8443") as wall:
        assert (await wall.say("panic"))["terminal"] == wall.terminal
    browser = await hub.browser()
    assert (await browser.get("/checkpoint", Host="10.0.0.9", Origin="")).status == 200
    assert (await browser.get("/pager", Host="10.0.0.9", Origin="")).code == "wrong_host"


# ── what comes in ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"name":1}', b"\xff", b'{"name":"' + b"\xed\xa0\x80" + b'"}', b"1" * 5_000]
)
async def test_nonsense_is_malformed(hub: RunningHub, body: bytes) -> None:
    admin = await hub.person("admin")
    headers = {"Origin": hub.url, "X-Firstbell": "1"}
    async with admin.session.post(f"{hub.url}/api/zones", data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "malformed")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_body_that_is_not_what_it_says_is_malformed(
    hub: RunningHub, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor may a stranger fill the log with such."""
    headers = {"Origin": hub.url, "X-Firstbell": "1", "Content-Encoding": encoding}
    session = (await hub.browser()).session
    with capture_logs() as logs:
        async with session.post(f"{hub.url}/api/join", data=_once(b"no such thing"), headers=headers) as answer:
            said = await answer.text()
    assert answer.status == 400
    # What aiohttp can't unpack at all it refuses by itself, before it is a request.
    assert encoding in ("br", "zstd") or json.loads(said)["code"] == "malformed"
    assert (logs, caplog.records) == ([], [])


async def _once(body: bytes) -> AsyncIterator[bytes]:
    """A body that the browser sends as it is, whatever its headers say."""
    yield body


async def test_a_body_that_does_not_come_is_not_waited_for(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.web.api.BODY_MS_MAX", 50)
    said = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield b'{"code":'
        await said.wait()

    headers = {"Origin": hub.url, "X-Firstbell": "1", "Content-Type": "application/json"}
    session = (await hub.browser()).session
    async with session.post(f"{hub.url}/api/join", data=half(), headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (408, "malformed")
    said.set()


async def test_a_body_has_a_limit(hub: RunningHub) -> None:
    answer = await (await hub.browser()).post("/api/join", {"code": "x" * BODY_BYTES_MAX})
    assert (answer.status, answer.code) == (413, "http_413")


@pytest.mark.parametrize("path", ["/static/%2e%2e/app.py", "/locale/..%2f..%2fapi.json", "/static/", "/static"])
async def test_nothing_outside_the_folders_is_served(hub: RunningHub, path: str) -> None:
    assert (await (await hub.browser()).get(path)).status in (403, 404)


# ── what goes out ───────────────────────────────────────────────────────────────────────────────────────────


async def test_markup_in_a_name_is_text(hub: RunningHub) -> None:
    """Whatever a device or a person is called, a screen shows it and does not run it."""
    console = await hub.console()
    link = (await console.post("/api/pagers", {"name": MARKUP})).json["link"]
    page = await (await hub.browser()).get(link.removeprefix(hub.url))
    text = page.body.decode()
    assert MARKUP not in text
    assert html.unescape(text).count(MARKUP) == 1
    async with hub.wall(MARKUP):
        campus = await console.get("/api/campus")
        assert MARKUP in [terminal["name"] for terminal in campus.json["terminals"]]
        assert campus.headers["Content-Type"].startswith("application/json")
        board = await hub.person("guard")
        async with board.session.ws_connect(f"{hub.url}/ws/board", headers={"Origin": hub.url}) as socket:
            frame = json.loads(await socket.receive_str(timeout=20))
    assert MARKUP in [terminal["name"] for terminal in frame["terminals"]]


async def test_a_code_in_an_address_goes_no_further(hub: RunningHub) -> None:
    """The address of a one-time link holds its code: no other site is told where the browser came from."""
    page = await (await hub.browser()).get("/join/whatever")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "whatever" not in page.body.decode()


async def test_the_qr_code_is_a_picture_of_our_links_only(hub: RunningHub) -> None:
    admin = await hub.person("admin")
    link = (await admin.post("/api/pagers", {"name": "Gate"})).json["link"]
    picture = await admin.get(f"/api/qr.svg?link={link}")
    assert picture.headers["Content-Type"].startswith("image/svg+xml")
    assert picture.body.startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')
    ours = f"{hub.url}/join/"
    for foreign in ("https://evil.example/join/x", "javascript:alert(1)", "", ours, f"{ours}%ff", ours + "x" * 4_000):
        assert (await admin.get(f"/api/qr.svg?link={foreign}")).status == 400


async def test_the_control_socket_is_its_owners_alone(hub: RunningHub) -> None:
    modes = {path: os.stat(path).st_mode & 0o777 for path in (hub.home.control, hub.home.path)}
    assert modes == {hub.home.control: 0o600, hub.home.path: 0o700}


@pytest.mark.parametrize(
    ("error", "logged"), [(ConnectionResetError("Cannot write to closing transport"), 0), (OSError(), 1)]
)
async def test_who_is_gone_before_the_answer_is_no_fault_of_ours(error: Exception, logged: int) -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        raise error

    with capture_logs() as logs, pytest.raises(Problem):
        await guard_console(make_mocked_request("GET", "/ws/pager"), handler)
    assert len(logs) == logged
