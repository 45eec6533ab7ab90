"""Plain http: the campus certificate, its fingerprint, nothing else."""

import asyncio
import os
import re
import threading
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from cryptography import x509

from hub.places.authority import fingerprint, load_certificate
from tests.hub.web.running import RunningHub, running_hub

STILL_S = 4.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    """One for all tests of this file: none of them changes what another looks at."""
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


async def get(hub: RunningHub, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    base = hub.settings.join_url.removesuffix("/join")
    async with (
        aiohttp.ClientSession() as session,
        session.get(base + path, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.read(), dict(answer.headers)


async def test_it_is_the_certificate_that_https_shows(hub: RunningHub) -> None:
    status, body, headers = await get(hub, "/join/firstbell.crt")
    assert status == 200
    assert headers["Content-Type"] == "application/x-x509-ca-cert"
    given = x509.load_der_x509_certificate(body)
    assert given == load_certificate(hub.home.keys / "ca.pem")
    load_certificate(hub.home.keys / "hub.pem").verify_directly_issued_by(given)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_fingerprint_is_shown_to_compare(hub: RunningHub, language: str) -> None:
    _, body, headers = await get(hub, "/join", **{"Accept-Language": language})
    shown = re.sub(r"<[^>]*>|\s", "", body.decode())
    assert fingerprint(load_certificate(hub.home.keys / "ca.pem")) in shown
    assert f'<html lang="{language}">' in body.decode()
    assert hub.url in body.decode()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "certificate." not in shown, "a text is missing"


async def test_the_language_is_switched_by_a_link(hub: RunningHub) -> None:
    _, body, _ = await get(hub, "/join", **{"Accept-Language": "en"})
    assert 'href="/join?language=zh-CN">中文</a>' in body.decode()
    _, body, _ = await get(hub, "/join?language=zh-CN", **{"Accept-Language": "en"})
    assert '<html lang="zh-CN">' in body.decode()
    _, body, _ = await get(hub, "/join?language=fr", **{"Accept-Language": "en"})
    assert '<html lang="en">' in body.decode()


async def test_nothing_else_is_there(hub: RunningHub) -> None:
    for path in ("/pager", "/api/campus", "/api/join", "/checkpoint", "/ws/terminal", "/join/some-code"):
        assert (await get(hub, path))[0] == 404, path
    assert (await get(hub, "/"))[0] == 303
    assert (await get(hub, "/join", Host="evil.example"))[0] == 421


async def test_it_sets_no_cookie(hub: RunningHub) -> None:
    for path in ("/", "/join", "/join/firstbell.crt", "/static/join/join.css"):
        assert "Set-Cookie" not in (await get(hub, path))[2]


@pytest.mark.parametrize("path", ["/join", "/join/firstbell.crt"])
async def test_nobody_else_waits_for_a_disk_that_stands_still(hub: RunningHub, path: str) -> None:
    pem = hub.home.keys / "ca.pem"
    kept = pem.read_bytes()
    pem.unlink()
    # Whoever opens it waits until somebody writes.
    os.mkfifo(pem)
    asked = asyncio.create_task(get(hub, path))
    goes_on = threading.Timer(STILL_S, pem.write_bytes, (kept,))
    goes_on.start()
    await asyncio.sleep(STILL_S / 4)
    console = await hub.console()
    assert (await console.get("/control/status")).status == 200
    assert goes_on.is_alive(), "the hub stood still with its disk"
    status, _, _ = await asked
    assert status == 200
    pem.unlink()
    pem.write_bytes(kept)
