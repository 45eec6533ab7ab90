"""One-time links over the wire: what each makes of a browser, and that it does so once."""

import asyncio

import pytest
from aiohttp import WSCloseCode, WSMsgType

from tests.hub.web.running import PIN, Answer, Browser, RunningHub


def code_of(answer: Answer) -> str:
    return str(answer.json["link"].rpartition("/")[2])


async def join(browser: Browser, code: str, **more: str) -> Answer:
    return await browser.post("/api/join", {"code": code, **more})


async def test_the_first_administrator_chooses_a_pin_and_is_in(hub: RunningHub) -> None:
    browser = await hub.browser()
    assert (await join(browser, hub.founded.link, pin="123456")).code == "pin_simple"
    assert (await browser.get("/api/campus")).code == "not_signed_in"
    joined = await join(browser, hub.founded.link, pin=PIN)
    assert joined.json == {"to": "/admin"}
    assert (await browser.get("/api/campus")).status == 200
    again = await hub.browser()
    assert (await join(again, hub.founded.link, pin="204613")).code == "link_spent"
    assert (await again.post("/api/session", {"name": "Root", "pin": PIN})).status == 200


async def test_a_pagers_link_works_once(hub: RunningHub) -> None:
    console, first, second = await hub.console(), await hub.browser(), await hub.browser()
    code = code_of(await console.post("/api/pagers", {"name": "Gate"}))
    assert (await join(first, code)).json == {"to": "/pager"}
    assert (await join(second, code)).code == "link_spent"
    assert (await first.get("/api/guards")).status == 200
    assert (await second.get("/api/guards")).code == "not_signed_in"


async def test_many_at_once_are_one(hub: RunningHub) -> None:
    console = await hub.console()
    code = code_of(await console.post("/api/pagers", {"name": "Gate"}))
    browsers = [await hub.browser() for _ in range(8)]
    answers = await asyncio.gather(*(join(browser, code) for browser in browsers))
    assert sorted(answer.code for answer in answers) == ["", *["link_spent"] * 7]


async def test_looking_uses_nothing_up(hub: RunningHub) -> None:
    """Scanners, previews and a browser's own prefetch only look."""
    console, browser = await hub.console(), await hub.browser()
    code = code_of(await console.post("/api/pagers", {"name": "Gate"}))
    for _ in range(3):
        assert b"Gate" in (await browser.get(f"/join/{code}")).body
    assert (await join(browser, code)).status == 200
    assert b"Gate" not in (await browser.get(f"/join/{code}")).body


async def test_a_new_link_moves_the_pager_to_another_device(hub: RunningHub) -> None:
    console, old, new = await hub.console(), await hub.browser(), await hub.browser()
    made = await console.post("/api/pagers", {"name": "Gate"})
    await join(old, code_of(made))
    again = code_of(await console.post(f"/api/pagers/{made.json['id']}/link"))
    assert (await old.get("/api/guards")).status == 200, "until the new link is opened"
    await join(new, again)
    assert (await old.get("/api/guards")).code == "not_signed_in"
    assert (await new.get("/api/guards")).status == 200


async def test_a_revoked_pager_is_nothing_any_more(hub: RunningHub) -> None:
    console, pager = await hub.console(), await hub.pager("Gate")
    (made,) = (await console.get("/api/campus")).json["pagers"]
    link = code_of(await console.post(f"/api/pagers/{made['id']}/link"))
    async with pager.session.ws_connect(f"{hub.url}/ws/pager", headers={"Origin": hub.url}) as socket:
        assert (await console.ask("DELETE", f"/api/pagers/{made['id']}")).status == 200
        message = await socket.receive(timeout=20)
        while message.type is WSMsgType.TEXT:
            message = await socket.receive(timeout=20)
    assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.POLICY_VIOLATION)
    assert (await pager.get("/api/guards")).code == "not_signed_in"
    assert (await join(await hub.browser(), link)).code == "link_spent"


async def test_only_the_newest_link_of_an_owner_counts(hub: RunningHub) -> None:
    console = await hub.console()
    made = await console.post("/api/pagers", {"name": "Gate"})
    newest = code_of(await console.post(f"/api/pagers/{made.json['id']}/link"))
    assert (await join(await hub.browser(), code_of(made))).code == "link_spent"
    assert (await join(await hub.browser(), newest)).status == 200


@pytest.mark.parametrize("code", ["", "x", "A" * 43, "../../x", "A" * 199])
async def test_a_made_up_code_opens_nothing(hub: RunningHub, code: str) -> None:
    browser = await hub.browser()
    assert (await join(browser, code)).code == "link_spent"
    assert not list(browser.session.cookie_jar)


async def test_a_pager_and_a_board_stay_for_as_long_as_they_are_used(hub: RunningHub) -> None:
    """Browsers keep a cookie for 400 days at the most; each loading begins them anew. A person's hours do not."""
    console, board, person = await hub.console(), await hub.browser(), await hub.person("dispatcher", name="Ada")
    pager = await hub.pager("Gate")
    await join(board, code_of(await console.post("/api/boards", {"account": "Ada"})))
    for browser, path, name in ((pager, "/pager", "pager"), (board, "/board", "session")):
        before = browser.cookie(f"__Host-firstbell_{name}")
        loaded = await browser.get(path)
        assert loaded.cookies[f"__Host-firstbell_{name}"]["max-age"] == str(400 * 86_400)
        assert (browser.cookie(f"__Host-firstbell_{name}") == before) is (name == "pager")
    assert (await board.get("/board")).cookies
    assert not (await person.get("/board")).cookies


async def test_who_made_and_who_opened_it_is_on_record(hub: RunningHub) -> None:
    """By ids; the code and the name are not."""
    console = await hub.console()
    made = await console.post("/api/pagers", {"name": "Gate"})
    await join(await hub.browser(), code_of(made))
    reader = await hub.browser()
    size = (await reader.get("/checkpoint")).body.decode().splitlines()[1]
    entries = (await reader.get(f"/tile/entries/000.p/{size}")).body
    for word in (b'"kind":"pager_made"', b'"kind":"link_made"', b'"kind":"key_given"', made.json["id"].encode()):
        assert word in entries
    assert b"Gate" not in entries
    assert code_of(made).encode() not in entries
