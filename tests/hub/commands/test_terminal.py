"""`terminal …`: enrolled with a folder to carry, listed, tested, revoked; both or neither when something fails."""

import re
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from firstbell_linux.problems import Problem
from firstbell_linux.words import LANGUAGES

from hub.commands.found import find
from hub.commands.shell import Run
from hub.commands.terminal import enrol
from hub.problems import HomeError, HubUnreachable, TypedWrongly
from hub.words import words
from terminal.credentials import load_key, load_vkey
from terminal.settings import load_settings
from tests.hub.commands.typed import Said, Served


def names(hub: Served) -> list[str]:
    return [terminal["name"] for terminal in hub.done("terminal", "list")["terminals"]]


def test_a_terminal_is_enrolled_and_carried(hub: Served, tmp_path: Path) -> None:
    folder = tmp_path / "t"
    place = ("--building", "二号教学楼", "--floor", "3 层", "--place", "走廊", "--way", "楼梯 B 上")
    made = hub.done("terminal", "enrol", "三层走廊", "--zone", "东区", "--to", folder, *place, "--silent")
    settings = load_settings(folder / "settings.toml")
    assert (settings.terminal, settings.name, settings.silent) == (made["id"], "三层走廊", True)
    assert (settings.hub.server_name, settings.hub.address) == ("localhost", "")
    assert settings.hub.campus == hub.made["campus"]
    load_key(folder / "key", "EdDSA")
    assert load_vkey(folder / "log.vkey").text() == hub.made["log_vkey"]
    assert (folder / "ca.pem").read_bytes() == (hub.home.keys / "ca.pem").read_bytes()
    for language, says in (("en", "unknown"), ("zh-CN", "未知")):
        shown = hub("terminal", "list", language=language).out
        assert all(one in shown for one in ("三层走廊", made["id"], "二号教学楼", "东区", says))
    assert hub.done("terminal", "test", "三层走廊", "--minutes", "5")["until_ms"] > 0
    hub.done("terminal", "test", "三层走廊", "--minutes", "0")
    hub.done("terminal", "revoke", made["id"])
    assert "revoked" in hub("terminal", "list").out
    assert hub("terminal", "test", "三层走廊").status == 1


def test_a_name_names_one_terminal(hub: Served, tmp_path: Path) -> None:
    def enrol(name: str, folder: str) -> Said:
        return hub("terminal", "enrol", name, "--zone", "东区", "--to", tmp_path / folder, "--json")

    first = enrol("操场东", "first").json["id"]
    for taken in ("操场东", " 操场东 ", first):
        said = enrol(taken, "second")
        assert (said.status, said.json["problem"]) == (1, "known_name"), said.err
        assert f"{taken.strip()} already" in said.err
    assert not (tmp_path / "second").exists()
    hub.done("terminal", "revoke", "操场东")
    second = enrol("操场东", "second").json["id"]
    assert hub.done("terminal", "revoke", "操场东")["id"] == second


TWINS = [
    {"id": "t-3", "name": "t-1", "revoked": False},
    {"id": "t-1", "name": "操场", "revoked": False},
    {"id": "t-2", "name": "操场", "revoked": False},
    {"id": "t-4", "name": "后门", "revoked": True},
    {"id": "t-5", "name": "后门", "revoked": False},
]
"""As a hub may have them that enrolled some before names were told apart."""


@pytest.mark.parametrize(("named", "found"), [("t-1", "t-1"), ("t-2", "t-2"), ("后门", "t-5"), ("t-4", "t-4")])
def test_an_id_is_never_taken_for_a_name(named: str, found: str) -> None:
    assert find(_Twins(words("en")), "terminal", named)["id"] == found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_of_several_is_refused_with_their_ids(language: str) -> None:
    with pytest.raises(TypedWrongly) as told:
        find(_Twins(words(language)), "terminal", "操场")
    what, to_do = words(language).problem(told.value.problem)
    assert "操场" in what
    assert re.findall(r"t-\d", to_do) == ["t-1", "t-2"]


class _Twins(Run):
    """At a hub that answers with TWINS."""

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return {"terminals": TWINS}


def test_a_node_and_a_bell(hub: Served, tmp_path: Path) -> None:
    hub.done("terminal", "enrol", "后门", "--zone", "东区", "--to", tmp_path / "node", "--algorithm", "HS256")
    load_key(tmp_path / "node/key", "HS256")
    bell = ("--role", "bell", "--hub", "127.0.0.1:8443", "--simulated")
    hub.done("terminal", "enrol", "门卫铃", "--zone", "东区", "--to", tmp_path / "bell", *bell)
    settings = load_settings(tmp_path / "bell/settings.toml")
    assert (settings.role, settings.hub.address, settings.simulated.pins) == ("bell", "127.0.0.1:8443", True)
    assert settings.outputs.sounder_pin is not None


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "hub.local",
        "8443",
        ":8443",
        "hub.local:",
        "hub.local:0",
        "hub.local:70000",
        "https://hub.local:8443",
        "::1:8443",
        "hub.local:8443\n",
        "主机:8443",
        "hub.local:８４４３",
    ],
)
def test_an_address_that_is_none(hub: Served, tmp_path: Path, address: str) -> None:
    before = names(hub)
    said = hub("terminal", "enrol", "新终端", "--zone", "东区", "--to", tmp_path / "t", "--hub", address, "--json")
    assert (said.status, said.json["problem"], said.json["where"]) == (2, "address_malformed", address)
    assert "--hub" in said.err
    assert names(hub) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["[fd00::1]:8443", "hub-2.school.lan:1"])
def test_an_address_that_a_terminal_takes(hub: Served, tmp_path: Path, address: str) -> None:
    made = hub.done(
        "terminal", "enrol", f"门 {address[:20]}", "--zone", "东区", "--to", tmp_path / "t", "--hub", address
    )
    assert load_settings(tmp_path / "t/settings.toml").hub.address == address
    hub.done("terminal", "revoke", made["id"])


def test_a_node_is_told_no_name_of_its_hub(hub: Served, tmp_path: Path) -> None:
    """It would stand still while it looks it up, and its watchdog would bite."""
    typed = ("terminal", "enrol", "楼梯间", "--zone", "东区", "--to", tmp_path / "t", "--algorithm", "HS256", "--hub")
    for address in ("hub-2.school.lan:8443", "[fd00::1]:8443"):
        said = hub(*typed, address, "--json")
        assert (said.status, said.json["problem"], said.json["where"]) == (2, "address_not_ipv4", address)
        assert list(tmp_path.iterdir()) == []
    made = hub.done(*typed, "10.0.0.7:8443")
    assert load_settings(tmp_path / "t/settings.toml").hub.address == "10.0.0.7:8443"
    hub.done("terminal", "revoke", made["id"])


@pytest.mark.parametrize("trouble", ["full", "file", "zone", "name"])
def test_neither_folder_nor_terminal_when_it_fails(hub: Served, tmp_path: Path, trouble: str) -> None:
    before, folder = names(hub), tmp_path / "t"
    name, zone, status = "新终端", "东区", 1
    match trouble:
        case "full":
            folder.mkdir()
            (folder / "theirs").write_text("")
        case "file":
            folder.write_text("")
        case "zone":
            zone, status = "月亮", 3
        case "name":
            name, status = "x" * 37, 2
    there = sorted(tmp_path.rglob("*"))
    said = hub("terminal", "enrol", name, "--zone", zone, "--to", folder)
    assert said.status == status, said.err
    assert names(hub) == before
    assert sorted(tmp_path.rglob("*")) == there


def test_a_folder_that_cannot_be_written(hub: Served) -> None:
    before = names(hub)
    said = hub("terminal", "enrol", "新终端", "--zone", "东区", "--to", "/proc/none/t")
    assert said.status == 3
    assert names(hub) == before


def test_a_folder_that_cannot_take_its_place(hub: Served, tmp_path: Path) -> None:
    """The hub has recorded the terminal by then: it is revoked again, or else the person is told to."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    said = hub("terminal", "enrol", "临时", "--zone", "东区", "--to", tmp_path / "link")
    assert (said.status, "it is no folder" in said.err) == (4, True)
    (terminal,) = [one for one in hub.done("terminal", "list")["terminals"] if one["name"] == "临时"]
    assert terminal["revoked"]

    run = _HubGone(words("en"))
    run.typed_folder = hub.folder
    link = tmp_path / "link"
    with pytest.raises(HomeError) as told:
        enrol(run, "临时", "东区", link, role="wall", silent=False, algorithm="EdDSA", address="", simulated=True)
    (left,) = [
        one["id"] for one in hub.done("terminal", "list")["terminals"] if not one["revoked"] and one["name"] == "临时"
    ]
    _what, to_do = words("en").problem(told.value.problem)
    assert f"terminal revoke {left}" in to_do
    assert sorted(tmp_path.iterdir()) == [tmp_path / "empty", tmp_path / "link"]


def test_a_slow_disk_costs_no_terminal(hub: Served, tmp_path: Path) -> None:
    """The only key is in the folder: it stays, and the person is told that the record is behind."""
    folder = tmp_path / "t"
    with closing(sqlite3.connect(hub.home.database, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        said = hub("terminal", "enrol", "  慢  盘 ", "--zone", "东区", "--to", folder, "--json")
        busy.execute("ROLLBACK")
    assert (said.status, said.json["recorded"]) == (0, False), said.err
    assert "slow" in said.err
    settings = tomllib.loads((folder / "settings.toml").read_text("utf-8"))
    assert (settings["name"], settings["terminal"]) == ("慢 盘", said.json["id"])
    # Whatever is asked next waits for the same disk, in its order.
    hub.done("terminal", "enrol", "快盘", "--zone", "东区", "--to", tmp_path / "next")
    assert {"慢 盘", "快盘"} <= set(names(hub))


def test_who_stops_it_has_no_terminal_left(hub: Served, tmp_path: Path) -> None:
    run = _Stopped(words("en"))
    run.typed_folder = hub.folder
    with pytest.raises(KeyboardInterrupt):
        enrol(
            run,
            "停下",
            "东区",
            tmp_path / "t",
            role="wall",
            silent=False,
            algorithm="EdDSA",
            address="",
            simulated=True,
        )
    (left,) = [one for one in hub.done("terminal", "list")["terminals"] if one["name"] == "停下"]
    assert left["revoked"]
    assert list(tmp_path.iterdir()) == []


class _Stopped(Run):
    """By Ctrl-C, after the hub was asked and before it has answered."""

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = super().call(method, path, body)
        if method == "POST":
            raise KeyboardInterrupt
        return answer


class _HubGone(Run):
    """At a hub that went away before it could be asked to revoke."""

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        if method == "DELETE":
            raise HubUnreachable(Problem("hub_not_running", str(self.folder)))
        return super().call(method, path, body)


def test_enrol_says_what_is_in_the_way_of_its_folder(hub: Served, tmp_path: Path) -> None:
    before = names(hub)
    (tmp_path / "file").write_text("")
    for folder in ("/dev/null/x", tmp_path / "file/t", tmp_path / "file/deep/t"):
        said = hub("terminal", "enrol", "新终端", "--zone", "东区", "--to", folder, "--json")
        assert (said.status, said.json["problem"]) == (4, "system")
        assert "it is no folder" in said.err
    assert names(hub) == before
