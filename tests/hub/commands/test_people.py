"""`guard`, `pager`, `zone`, `drill`: what is typed is done by the running hub, and shown again."""

import asyncio

import aiohttp
import pytest

from hub.commands.found import NAMES_MAX
from tests.hub.commands.typed import PIN, Served


async def _post(hub: Served, path: str, body: dict[str, str]) -> int:
    headers = {"Origin": hub.made["base_url"], "X-Firstbell": "1"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=hub.browsing())) as session,
        session.post(hub.made["base_url"] + path, json=body, headers=headers) as answer,
    ):
        return answer.status


def post(hub: Served, path: str, **body: str) -> int:
    """What a browser's request comes to, as an HTTP status."""
    return asyncio.run(_post(hub, path, body))


def test_a_guard_from_the_first_day_to_the_last(hub: Served) -> None:
    hub.done("zone", "set", "北区")
    added = hub.done("guard", "add", "王建国", "--zone", "北区")
    assert post(hub, "/api/join", code=added["link"].rpartition("/")[2], pin=PIN) == 200
    assert post(hub, "/api/session", name="王建国", pin=PIN) == 200
    hub.done("guard", "pin", "王建国", piped="204613\n")
    assert post(hub, "/api/session", name="王建国", pin="204613") == 200
    listed = {account["name"]: account for account in hub.done("guard", "list")["accounts"]}
    assert (listed["王建国"]["roles"], listed["王建国"]["pin"]) == (["guard"], True)
    assert listed["Administrator"]["pin"] is False
    for language, says in (("en", ("Guard", "set", "not yet")), ("zh-CN", ("值班员", "已设", "还没设"))):
        shown = hub("guard", "list", language=language).out
        assert all(one in shown for one in ("王建国", "北区", added["id"], *says))
    hub.done("guard", "remove", "王建国")
    assert "王建国" not in hub("guard", "list").out
    assert post(hub, "/api/session", name="王建国", pin="204613") == 403


def test_a_pin_may_be_piped_in(hub: Served) -> None:
    hub.done("guard", "add", "李敏", "--role", "guard", "--role", "dispatcher", "--pin", piped=f"{PIN}\n")
    assert post(hub, "/api/session", name="李敏", pin=PIN) == 200
    link = hub.done("guard", "pin", "李敏", "--link")["link"]
    assert post(hub, "/api/join", code=link.rpartition("/")[2], pin="204613") == 200


@pytest.mark.parametrize(
    ("typed", "piped", "status", "says"),
    [
        (["guard", "add", "赵强", "--pin"], "123456\n", 2, "guess"),
        (["guard", "add", "赵强", "--pin"], "12\n", 2, "6 digits"),
        (["guard", "add", "赵强", "--zone", "月亮"], "", 3, "月亮"),
        (["guard", "add", "Administrator"], "", 1, "name"),
        (["guard", "add", "x" * 37], "", 2, "long"),
        (["guard", "remove", "没有人"], "", 3, "没有人"),
        (["guard", "pin", "没有人"], f"{PIN}\n", 3, "没有人"),
        (["pager", "revoke", "没有"], "", 3, "没有"),
        (["terminal", "revoke", "没有"], "", 3, "没有"),
        (["drill", "start", "月亮"], "", 3, "月亮"),
        (["drill", "end", "月亮"], "", 3, "月亮"),
        (["incident", "show", "i-none"], "", 3, "i-none"),
        (["incident", "close", "i-none", "--by", "没有人"], f"{PIN}\n", 3, "没有人"),
    ],
)
def test_what_the_hub_does_not_do(hub: Served, typed: list[str], piped: str, status: int, says: str) -> None:
    said = hub(*typed, piped=piped)
    assert (said.status, said.out) == (status, "")
    assert says in said.err
    told = hub(*typed, "--json", piped=piped)
    assert set(told.json) == {"problem", "where", "what", "do"}
    assert "赵强" not in hub("guard", "list").out


def test_who_names_nothing_is_told_what_there_is(hub: Served) -> None:
    for typed in (["drill", "start"], ["drill", "end"], ["guard", "add", "赵强", "--zone"]):
        said = hub(*typed, "月亮")
        assert said.status == 3
        assert "No zone is called 月亮." in said.err
        assert "“东区”" in said.err
    for number in range(NAMES_MAX):
        hub.done("zone", "set", f"{number} 号楼")
    assert "…" in hub("drill", "end", "月亮").err


def test_a_pager_and_its_links(hub: Served) -> None:
    first = hub.done("pager", "link", "门卫")
    again = hub.done("pager", "link", "门卫")
    assert (again["id"], first["link"] != again["link"]) == (first["id"], True)
    assert post(hub, "/api/join", code=first["link"].rpartition("/")[2]) == 404
    assert post(hub, "/api/join", code=again["link"].rpartition("/")[2]) == 200
    (pager,) = hub.done("pager", "list")["pagers"]
    assert (pager["name"], pager["guard"], pager["reasons"]) == ("门卫", None, ["link"])
    for language, says in (("en", "NOT READY: No link"), ("zh-CN", "未就绪：连接断了")):
        assert says in hub("pager", "list", language=language).out
    hub.done("pager", "revoke", "门卫")
    assert hub.done("pager", "list") == {"pagers": []}
    assert "no pager" in hub("pager", "list").out


def test_a_zone_is_changed_and_keeps_what_was_not_said(hub: Served) -> None:
    made = hub.done("zone", "set", "操场", "--accepted", "20")
    same = hub.done("zone", "set", "操场", "--rename", "运动场", "--on-scene", "90")
    assert same["id"] == made["id"]
    zone = next(one for one in hub.done("zone", "list")["zones"] if one["id"] == made["id"])
    assert zone["name"] == "运动场"
    deadlines = {key: zone["deadlines"][key] for key in ("delivered_ms", "accepted_ms", "on_scene_ms")}
    assert deadlines == {"delivered_ms": 3_000, "accepted_ms": 20_000, "on_scene_ms": 90_000}
    assert hub("zone", "set", "运动场", "--rename", "东区").status == 1
    assert all(one in hub("zone", "list").out for one in ("运动场", made["id"], "20", "90"))


def test_a_drill_begins_and_ends(hub: Served) -> None:
    hub.done("drill", "start", "东区", "--minutes", "5")
    until_ms = {zone["name"]: zone["drill_until_ms"] for zone in hub.done("zone", "list")["zones"]}
    assert until_ms["东区"] > 0
    assert hub.done("drill", "end", "东区")["id"].startswith("z-")
    assert {zone["drill_until_ms"] for zone in hub.done("zone", "list")["zones"]} == {None}
