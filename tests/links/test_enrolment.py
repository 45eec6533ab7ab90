"""From a token to a receipt: the flashing side's own code at a real hub over TLS, and the terminals that it makes."""

import asyncio
import signal
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from firstbell.jws import Ed25519Signer, b64url
from firstbell_flash import enrol as enrolling
from firstbell_flash.enrol import Enrolled, ask, enrol
from firstbell_flash.problems import FileError, HubUnreachable, NotEnrolled, NotFound, TokenMalformed
from firstbell_linux.enrolment import Board, Token, parse_token
from firstbell_linux.problems import ProblemError

from hub.places.authority import found, server_context
from hub.places.tokens import TEST_MS, TOKEN_MS
from tests.links.campus import HOST, NAME, ZONE, Doors
from tests.links.hub_process import HubProcess
from tests.links.inner_hub import InnerHub
from tests.terminal.real_terminal import RealTerminal, simulate

FINGERPRINT = "A" * 43
ANOTHER = b64url(bytes(16))


async def token(hub: Doors, name: str) -> str:
    """For a terminal which finds the hub where this one did."""
    body = {"name": name, "zone": ZONE, "address": f"{HOST}:{hub.port}"}
    text: str = (await hub.post("/api/tokens", **body))["token"]
    return text


async def refused(kind: type[ProblemError], function: Callable[..., object], *given: object) -> str:
    """The problem's name; the error says what, where and what to do in the catalogue."""
    with pytest.raises(kind) as told:
        await asyncio.to_thread(function, *given)
    return told.value.problem.name


async def started(hub: Doors, enrolled: Enrolled) -> RealTerminal:
    """Its program, linked, with nothing left to say."""
    terminal = RealTerminal(enrolled.home)
    hub.terminals.append(terminal)
    await terminal.start()
    await terminal.until(lambda state: state.get("linked") and state["pending"] == 0)
    return terminal


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("board", ["pi", "pico"])
async def test_a_press_of_a_new_terminal_is_receipted(hub: HubProcess, tmp_path: Path, board: Board) -> None:
    text = await token(hub, f"新终端 {board}")
    enrolled = await asyncio.to_thread(enrol, text, board, tmp_path / "new/home")
    assert modes(enrolled.home.path) == dict.fromkeys(("settings.toml", "key", "ca.pem", "log.vkey"), 0o600)
    assert modes(tmp_path / "new") == {"home": 0o700}
    before = await asyncio.to_thread(ask, text)
    assert (before.terminal, before.linked, before.tested_at_ms) == (enrolled.terminal, False, None)
    simulate(enrolled.home, board)
    terminal = await started(hub, enrolled)
    digest = await terminal.press()
    entry = await hub.until_entry("event_recorded", digest=digest)
    await terminal.until(lambda state: digest in [receipt["event"] for receipt in state["receipts"]])
    await hub.until_entry("incident_raised", incident=entry["incident"], test=True)
    after = await asyncio.to_thread(ask, text)
    assert (after.linked, after.tested_at_ms) == (True, entry["received_ms"])
    assert await terminal.end() == 0
    assert hub.complaints() == []


@pytest.mark.asyncio(loop_scope="module")
async def test_again_with_the_same_token_it_is_only_looked_at(hub: HubProcess, tmp_path: Path) -> None:
    text, folder = await token(hub, "再来一次"), tmp_path / "t"
    first = await asyncio.to_thread(enrol, text, "pi", folder)
    key = first.home.key.read_bytes()
    assert await asyncio.to_thread(enrol, text, "pi", folder) == first
    assert first.home.key.read_bytes() == key
    other = await token(hub, "另一台")
    assert await refused(ProblemError, enrol, other, "pi", folder) == "folder_not_empty"
    await asyncio.to_thread(enrol, other, "pi", tmp_path / "other")
    assert await refused(ProblemError, enrol, other, "pi", folder) == "folder_not_empty"
    # Somebody else who has the token and not the key gets nothing.
    assert await refused(NotEnrolled, enrol, text, "pi", tmp_path / "thief") == "token_used"
    assert not (tmp_path / "thief").exists()


@pytest.mark.asyncio(loop_scope="module")
async def test_of_two_at_once_one_has_it(hub: HubProcess, tmp_path: Path) -> None:
    text, folders = await token(hub, "两人同时"), [tmp_path / name for name in "ab"]
    outcomes = await asyncio.gather(
        *(asyncio.to_thread(enrol, text, "pi", folder) for folder in folders), return_exceptions=True
    )
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Enrolled)]
    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, NotEnrolled)]
    assert lost.problem.name in ("hub_busy", "token_used")
    assert [folder for folder in folders if folder.exists()] == [won.home.path]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_folder_that_is_not_free(hub: HubProcess, tmp_path: Path) -> None:
    text = await token(hub, "有东西")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/theirs").write_text("")
    (tmp_path / "file").write_text("")
    for name in ("full", "file"):
        assert await refused(ProblemError, enrol, text, "pi", tmp_path / name) == "folder_not_empty"
    with pytest.raises(NotADirectoryError):
        await asyncio.to_thread(enrol, text, "pi", tmp_path / "file/t")
    assert modes(tmp_path).keys() == {"file", "full"}
    assert modes(tmp_path / "full").keys() == {"theirs"}
    (tmp_path / "empty").mkdir()
    assert (await asyncio.to_thread(enrol, text, "pi", tmp_path / "empty")).home.key.exists()


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_is_stopped_after_the_hub_took_it_goes_on(inner_hub: InnerHub, tmp_path: Path) -> None:
    """Killed when the hub has decided, and before it could answer."""
    hub, folder = inner_hub, tmp_path / "t"
    text = await token(hub, "断电")
    script = "import sys; from pathlib import Path; from firstbell_flash.enrol import enrol;"
    script += "enrol(sys.stdin.readline(), 'pico', Path(sys.argv[1]))"
    hub.writer.hold()
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(folder), stdin=-1)
    assert client.stdin is not None
    client.stdin.write(f"{text}\n".encode())
    await hub.until(
        lambda happening: happening["what"] == "decided" and happening["entry"]["kind"] == "terminal_enrolled"
    )
    client.send_signal(signal.SIGKILL)
    await client.wait()
    assert modes(tmp_path) == {"hub": 0o700, ".t.enrolling": 0o600}
    hub.writer.release()
    enrolled_entry = await hub.until_entry("terminal_enrolled")
    mistyped = Token(parse_token(text).address, parse_token(text).fingerprint, ANOTHER).text()
    assert await refused(NotFound, enrol, mistyped, "pico", folder) == "token_unknown"
    enrolled = await asyncio.to_thread(enrol, text, "pico", folder)
    assert enrolled.terminal == enrolled_entry["terminal"]
    assert len(hub.entries("terminal_enrolled")) == 1
    assert modes(tmp_path) == {"hub": 0o700, "t": 0o700}
    # It is the key that the hub has.
    kept = hub.core.keyring.get(enrolled.terminal, "key")
    assert kept is not None
    assert enrolled.home.key.read_text() == f"{b64url(kept)}\n"


async def test_a_first_link_that_comes_late_begins_the_test_anew(inner_hub: InnerHub, tmp_path: Path) -> None:
    hub = inner_hub
    text = await token(hub, "晚装")
    enrolled = await asyncio.to_thread(enrol, text, "pi", tmp_path / "t")
    await hub.until_entry("test_started", terminal=enrolled.terminal)
    hub.skip_ms += TEST_MS
    await hub.guard("王建国")
    await hub.until_entry("test_ended", terminal=enrolled.terminal, by="time")
    simulate(enrolled.home)
    terminal = await started(hub, enrolled)
    digest = await terminal.press()
    entry = await hub.until_entry("event_recorded", digest=digest)
    await hub.until_entry("incident_raised", incident=entry["incident"], test=True)
    assert len(hub.entries("test_started")) == 2
    await terminal.kill()
    await started(hub, enrolled)
    assert len(hub.entries("test_started")) == 2


async def test_a_token_that_is_too_old(inner_hub: InnerHub, tmp_path: Path) -> None:
    text = await token(inner_hub, "过期")
    inner_hub.skip_ms += TOKEN_MS
    assert await refused(NotEnrolled, enrol, text, "pi", tmp_path / "t") == "token_expired"
    assert modes(tmp_path).keys() == {"hub"}, "no half of a key that nobody will have"


async def test_a_disk_that_stands_still(inner_hub: InnerHub, tmp_path: Path) -> None:
    text = await token(inner_hub, "慢盘")
    inner_hub.writer.hold()
    assert await refused(NotEnrolled, enrol, text, "pi", tmp_path / "t") == "hub_busy"
    inner_hub.writer.release()
    await inner_hub.until_entry("terminal_enrolled")
    assert (await asyncio.to_thread(enrol, text, "pi", tmp_path / "t")).name == "慢盘"


async def test_what_is_no_token_of_this_hub(inner_hub: InnerHub, tmp_path: Path) -> None:
    text, folder = await token(inner_hub, "门"), tmp_path / "t"
    said = parse_token(text)
    for odd in ("", "nonsense", text[:-1], text + "/", f"{HOST}/{FINGERPRINT}/{ANOTHER}"):
        assert await refused(TokenMalformed, enrol, odd, "pi", folder) == "token_malformed"
    unknown = Token(said.address, said.fingerprint, ANOTHER).text()
    assert await refused(NotFound, enrol, unknown, "pi", folder) == "token_unknown"
    assert await refused(NotFound, ask, unknown) == "token_unknown"
    foreign = Token(said.address, bytes(32), said.secret).text()
    assert await refused(NotEnrolled, enrol, foreign, "pi", folder) == "wrong_campus"
    closed = Token(f"{HOST}:1", said.fingerprint, said.secret).text()
    assert await refused(HubUnreachable, enrol, closed, "pi", folder) == "hub_unreachable"
    assert await refused(NotEnrolled, ask, text) == "token_unused"
    assert modes(tmp_path).keys() == {"hub"}


class Impostor:
    """Shows the campus's certificate, which is no secret, and has another's."""

    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.told: list[str] = []

    async def show(self, _request: web.Request) -> web.Response:
        return web.Response(body=ssl.PEM_cert_to_DER_cert(self.certificate.read_text()))

    async def listen(self, request: web.Request) -> web.Response:
        self.told.append(request.headers["Authorization"])
        return web.Response()


@asynccontextmanager
async def serving(app: web.Application, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Its address."""
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=tls)
    await site.start()
    try:
        yield f"{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_an_answer_to_another_request_is_not_taken(inner_hub: InnerHub, tmp_path: Path) -> None:
    said = parse_token(await token(inner_hub, "调包"))
    other = {"board": "pi", "key": b64url(Ed25519Signer(bytes(32)).public_key())}
    answer = await inner_hub.post("/api/answers", request=other, plan={"name": "别的门", "zone": ZONE})

    async def tell(_request: web.Request) -> web.Response:
        return web.json_response(answer)

    app = web.Application()
    app.router.add_get("/api/enrolment/ca", Impostor(inner_hub.home.keys / "ca.pem").show)
    app.router.add_post("/api/enrolment", tell)
    async with serving(app, server_context(inner_hub.home.keys)) as address:
        text = Token(address, said.fingerprint, said.secret).text()
        assert await refused(FileError, enrol, text, "pi", tmp_path / "t") == "answer_of_other"
    assert not (tmp_path / "t").exists()


async def test_an_impostor_hears_no_secret(inner_hub: InnerHub, tmp_path: Path) -> None:
    said = parse_token(await token(inner_hub, "冒充"))
    found(tmp_path / "keys", "c-bbbbbbbbbb", [NAME], [HOST], datetime.now(UTC))
    impostor, app = Impostor(inner_hub.home.keys / "ca.pem"), web.Application()
    app.router.add_get("/api/enrolment/ca", impostor.show)
    app.router.add_route("*", "/api/enrolment", impostor.listen)
    async with serving(app, server_context(tmp_path / "keys")) as address:
        text = Token(address, said.fingerprint, said.secret).text()
        assert await refused(NotEnrolled, enrol, text, "pi", tmp_path / "t") == "hub_not_trusted"
        assert await refused(NotEnrolled, ask, text) == "hub_not_trusted"
    assert impostor.told == []


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 10_000,
        '{"code": {"a": [1]}}',
        '{"code": "no\\nYour password:"}',
        f'{{"code": "{"a" * 41}"}}',
        '{"code": ""}',
    ],
)
async def test_a_refusal_that_nobody_can_read(inner_hub: InnerHub, tmp_path: Path, answer: str) -> None:
    said = parse_token(await token(inner_hub, "深渊"))

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=403, text=answer)

    impostor, app = Impostor(inner_hub.home.keys / "ca.pem"), web.Application()
    app.router.add_get("/api/enrolment/ca", impostor.show)
    app.router.add_route("*", "/api/enrolment", refuse)
    async with serving(app, server_context(inner_hub.home.keys)) as address:
        text = Token(address, said.fingerprint, said.secret).text()
        assert await refused(HubUnreachable, enrol, text, "pi", tmp_path / "t") == "not_a_hub"


async def test_an_answer_that_drips(inner_hub: InnerHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never silent for long, and never done."""
    monkeypatch.setattr(enrolling, "HUB_S_MAX", 1.5)
    said, answered = parse_token(await token(inner_hub, "滴水")), 0

    async def drip(request: web.Request) -> web.StreamResponse:
        nonlocal answered
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while answered < 100:
                await answer.write(b" ")
                answered += 1
                await asyncio.sleep(0.1)
        return answer

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", drip)
    async with serving(app, server_context(inner_hub.home.keys)) as address:
        text = Token(address, said.fingerprint, said.secret).text()
        assert await refused(HubUnreachable, enrol, text, "pi", tmp_path / "t") == "hub_unreachable"
    assert answered < 50


async def test_something_else_listens_there(inner_hub: InnerHub, tmp_path: Path) -> None:
    said = parse_token(await token(inner_hub, "别的"))
    tls = server_context(inner_hub.home.keys)
    for context, expected in ((None, "not_a_hub"), (tls, "not_a_hub")):
        async with serving(web.Application(), context) as address:
            text = Token(address, said.fingerprint, said.secret).text()
            assert await refused(HubUnreachable, enrol, text, "pi", tmp_path / "t") == expected
