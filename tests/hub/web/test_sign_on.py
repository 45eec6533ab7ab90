"""Signing on: the right PIN, wrong ones, and that nobody can lock out a guard or a pager in use."""

import contextlib

from hub.database import open_read_only
from hub.people.attempts import FREE_ATTEMPTS
from hub.web.identity import SESSION_COOKIE
from tests.hub.web.running import PIN, Browser, RunningHub

WRONG = "999998"


async def guard_of(hub: RunningHub, name: str) -> str:
    made = await (await hub.console()).post("/api/accounts", {"name": name, "pin": PIN})
    return str(made.json["id"])


async def sign_on(pager: Browser, guard: str, pin: str = PIN) -> str:
    return (await pager.post("/api/sign-on", {"account": guard, "pin": pin})).code


async def on_duty(hub: RunningHub) -> dict[str, str | None]:
    pagers = (await (await hub.console()).get("/api/campus")).json["pagers"]
    return {pager["name"]: pager["guard"] for pager in pagers}


async def test_a_guard_begins_a_shift_on_two_devices(hub: RunningHub) -> None:
    guard = await guard_of(hub, "Bo")
    for name in ("Gate", "Desk"):
        assert await sign_on(await hub.pager(name), guard) == ""
    assert await on_duty(hub) == {"Gate": "Bo", "Desk": "Bo"}


async def test_a_pager_needs_the_right_pin_of_a_guard(hub: RunningHub) -> None:
    guard, pager = await guard_of(hub, "Bo"), await hub.pager("Gate")
    await hub.person("leader", name="Lea")
    accounts = (await (await hub.console()).get("/api/campus")).json["accounts"]
    (leader,) = [account["id"] for account in accounts if account["name"] == "Lea"]
    assert await sign_on(pager, guard, WRONG) == "wrong_pin"
    assert await sign_on(pager, "a-nobody", PIN) == "wrong_pin"
    assert await sign_on(pager, leader, PIN) == "unknown_guard"
    assert await sign_on(await hub.browser(), guard) == "not_signed_in"
    assert await on_duty(hub) == {"Gate": None}


async def test_wrong_pins_slow_down_that_pager_and_that_guard_only(hub: RunningHub) -> None:
    bo, cy = await guard_of(hub, "Bo"), await guard_of(hub, "Cy")
    gate, desk = await hub.pager("Gate"), await hub.pager("Desk")
    assert await sign_on(gate, cy) == ""
    for _ in range(FREE_ATTEMPTS):
        assert await sign_on(gate, bo, WRONG) == "wrong_pin"
    answer = await gate.post("/api/sign-on", {"account": bo, "pin": PIN})
    assert (answer.status, answer.code) == (429, "too_soon")
    assert 1 <= int(answer.headers["Retry-After"]) <= 2
    assert await sign_on(gate, cy) == "", "the guard who is on duty there is not touched"
    assert await sign_on(desk, bo) == "", "nor is this guard at another pager"
    assert await on_duty(hub) == {"Gate": "Cy", "Desk": "Bo"}


async def test_strangers_cannot_keep_anybody_out(hub: RunningHub) -> None:
    """A hundred guesses from nowhere: the guard's pager and the administrator's own browser notice nothing."""
    guard, pager = await guard_of(hub, "Bo"), await hub.pager("Gate")
    admin = await hub.person("admin", name="Ada")
    await admin.post("/api/sign-out")
    stranger = await hub.browser()
    codes = set()
    for name in ("Ada", "Bo"):
        for _ in range(50):
            codes.add((await stranger.post("/api/session", {"name": name, "pin": WRONG})).code)
    assert codes == {"wrong_pin", "too_soon"}
    assert (await stranger.post("/api/session", {"name": "Ada", "pin": PIN})).code == "too_soon"
    assert (await admin.post("/api/session", {"name": "Ada", "pin": PIN})).status == 200
    assert await sign_on(pager, guard) == ""


async def test_a_browser_is_known_for_its_own_account_only(hub: RunningHub) -> None:
    """Whoever knows one PIN is a stranger like any other to everybody else's account."""
    await guard_of(hub, "Bo")
    stranger, ada = await hub.browser(), await hub.person("admin", name="Ada")
    for _ in range(FREE_ATTEMPTS):
        await stranger.post("/api/session", {"name": "Bo", "pin": WRONG})
    assert (await ada.post("/api/session", {"name": "Bo", "pin": PIN})).code == "too_soon"


async def test_a_guessed_name_tells_nothing(hub: RunningHub) -> None:
    """One who exists, one who has no PIN yet, one who doesn't exist: the same answer."""
    await guard_of(hub, "Bo")
    for name in ("Bo", "Root", "Nobody"):
        stranger = await hub.browser()
        assert (await stranger.post("/api/session", {"name": name, "pin": WRONG})).code == "wrong_pin"


async def test_a_session_ends_with_its_account_its_pin_and_by_signing_out(hub: RunningHub) -> None:
    console = await hub.console()
    browsers = {name: await hub.person("admin", name=name) for name in ("Ada", "Ben", "Cem")}
    accounts = {one["name"]: one["id"] for one in (await console.get("/api/campus")).json["accounts"]}
    await console.ask("DELETE", f"/api/accounts/{accounts['Ada']}")
    await console.post(f"/api/accounts/{accounts['Ben']}/pin", {"pin": "204613"})
    await browsers["Cem"].post("/api/sign-out")
    for browser in browsers.values():
        assert (await browser.get("/api/campus")).code == "not_signed_in"
        assert await socket_open(browser) is False
    assert (await browsers["Ben"].post("/api/session", {"name": "Ben", "pin": PIN})).code == "wrong_pin"
    assert (await browsers["Ben"].post("/api/session", {"name": "Ben", "pin": "204613"})).status == 200


async def test_signing_out_changes_what_the_browser_keeps(hub: RunningHub) -> None:
    """The hub forgets at its next start who signed out; the browser's cookie says it by itself."""
    ada = await hub.person("admin", name="Ada")
    before = ada.cookie(SESSION_COOKIE)
    await ada.post("/api/sign-out")
    after = ada.cookie(SESSION_COOKIE)
    assert after not in ("", before)
    assert (await ada.get("/api/campus")).code == "not_signed_in"


async def socket_open(browser: Browser) -> bool:
    answer = await browser.get("/ws/board", Upgrade="websocket", Connection="upgrade")
    return answer.status == 101


async def test_a_removed_guard_is_off_duty(hub: RunningHub) -> None:
    guard, pager = await guard_of(hub, "Bo"), await hub.pager("Gate")
    assert await sign_on(pager, guard) == ""
    assert (await (await hub.console()).ask("DELETE", f"/api/accounts/{guard}")).status == 200
    assert await on_duty(hub) == {"Gate": None}
    assert await sign_on(pager, guard) == "wrong_pin"
    with contextlib.closing(open_read_only(hub.home.database)) as database:
        assert database.execute("SELECT count(*) FROM secrets WHERE owner = ?", (guard,)).fetchone() == (0,)


async def test_it_does_not_wait_for_ever_for_the_disk(hub: RunningHub) -> None:
    """Another program holds the database: the guard is on duty and rings, the record follows."""
    guard, pager = await guard_of(hub, "Bo"), await hub.pager("Gate")
    with hub.disk_held():
        assert await sign_on(pager, guard) == ""
        made = await (await hub.console()).post("/api/zones", {"name": "West"})
        assert (made.status, made.code) == (503, "disk_waits")
    console = await hub.console()

    async def recorded() -> bool:
        campus = (await console.get("/api/campus")).json
        return campus["pagers"][0]["guard"] == "Bo" and [z["name"] for z in campus["zones"]] == ["East", "West"]

    await hub.until(recorded)
