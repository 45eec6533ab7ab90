"""`terminal token` and `terminal answer`: what a maintainer carries away, or carries back."""

import json
import sqlite3
import stat
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from firstbell_flash.enrol import begin_offline, enrol, finish_offline
from firstbell_flash.main import words
from firstbell_flash.problems import NotEnrolled
from firstbell_linux.enrolment import Board, parse_token
from firstbell_linux.words import LANGUAGES

from terminal.settings import load_settings
from tests.hub.commands.typed import Said, Served

PLACE = ("--building", "二号教学楼", "--floor", "3 层", "--place", "走廊", "--way", "楼梯 B 上")


def known(hub: Served, name: str) -> list[bool]:
    """Whether it is revoked, for each of that name."""
    listed = hub.done("terminal", "list")["terminals"]
    return [terminal["revoked"] for terminal in listed if terminal["name"] == name]


def test_a_token_makes_a_terminal(hub: Served, tmp_path: Path) -> None:
    made = hub.done("terminal", "token", " 报告厅  后门 ", "--zone", "东区", *PLACE, "--silent")
    said = parse_token(made["token"])
    assert f"https://{said.address}" == hub.made["base_url"]
    assert said.fingerprint.hex(":").upper() == hub.made["ca_fingerprint"]
    enrolled = enrol(made["token"], "pi", tmp_path / "t")
    assert (enrolled.terminal, enrolled.name) == (made["id"], "报告厅 后门")
    settings = load_settings(enrolled.home.settings)
    assert (settings.silent, settings.hub.server_name, settings.hub.address) == (True, "localhost", "")
    assert settings.hub.campus == hub.made["campus"]
    (listed,) = [one for one in hub.done("terminal", "list")["terminals"] if one["id"] == made["id"]]
    assert (listed["building"], listed["way"]) == ("二号教学楼", "楼梯 B 上")


@pytest.mark.parametrize("name", ["x" * 37, "a\u202eb"])
def test_a_name_that_cannot_be_is_shown_with_what_one_is(hub: Served, tmp_path: Path, name: str) -> None:
    for typed in (("token", name), ("enrol", name, "--to", tmp_path / "t")):
        said = hub("terminal", *typed, "--zone", "东区", "--json")
        assert (said.status, said.json["problem"], said.json["where"]) == (2, "bad_text", name)
        assert "36" in said.json["do"]


@pytest.mark.parametrize(("language", "says"), [("en", "24 h"), ("zh-CN", "24 小时")])
def test_a_person_is_told_how_long_it_holds(hub: Served, language: str, says: str) -> None:
    said = hub("terminal", "token", "门", "--zone", "东区", "--hub", "10.0.0.7:8443", language=language)
    told, token = said.out.splitlines()
    assert says in told
    assert parse_token(token).address == "10.0.0.7:8443"


@pytest.mark.parametrize("board", ["pi", "pico"])
def test_an_answer_is_carried_back(hub: Served, tmp_path: Path, board: str) -> None:
    request, answer, name = tmp_path / "request.json", tmp_path / "answer.json", f"围墙 {board}"
    begin_offline("pico" if board == "pico" else "pi", tmp_path / "t", request)
    said = hub("terminal", "answer", request, answer, name, "--zone", "东区", *PLACE)
    assert said.status == 0, said.err
    assert stat.S_IMODE(answer.stat().st_mode) == 0o600
    enrolled, mark = finish_offline(tmp_path / "t", answer)
    assert mark == sha256(answer.read_bytes()).digest().hex(":").upper()
    assert (enrolled.name, mark in said.out) == (name, True)
    assert enrolled.terminal in said.out
    assert known(hub, name) == [False]
    begin_offline("pi", tmp_path / "u", tmp_path / "other.json")
    taken = hub("terminal", "answer", tmp_path / "other.json", tmp_path / "other", name, "--zone", "东区")
    assert taken.status == 1
    assert f"{name} already" in taken.err


@pytest.mark.parametrize("command", ["token", "answer"])
def test_typed_wrongly(hub: Served, tmp_path: Path, command: str) -> None:
    begin_offline("pi", tmp_path / "t", tmp_path / "request")
    files = (tmp_path / "request", tmp_path / "answer") if command == "answer" else ()

    def said(name: str, *options: str) -> Said:
        return hub("terminal", command, *files, name, *options, "--json")

    for options, name, status, problem in (
        (("--zone", "月亮"), "新", 3, "unknown_zone"),
        (("--zone", "东区"), "x" * 37, 2, "bad_text"),
        (("--zone", "东区", "--hub", "nowhere"), "新", 2, "address_malformed"),
    ):
        told = said(name, *options)
        assert (told.status, told.json["problem"]) == (status, problem)
    assert "cannot be shown" in said("a\x1b[31mb", "--zone", "东区").json["what"]
    assert not (tmp_path / "answer").exists()
    assert known(hub, "新") == []


def test_a_node_takes_no_name_of_its_hub(hub: Served, tmp_path: Path) -> None:
    """Nothing is used up: a Pi may come with the same token."""
    where = ("--zone", "东区", "--hub", hub.made["base_url"].removeprefix("https://"))
    token = hub.done("terminal", "token", "楼梯", *where)["token"]
    with pytest.raises(NotEnrolled) as told:
        enrol(token, "pico", tmp_path / "node")
    assert told.value.problem.name == "address_not_ipv4"
    for language in LANGUAGES:
        assert all(words(language).problem(told.value.problem))
    assert enrol(token, "pi", tmp_path / "pi").name == "楼梯"
    begin_offline("pico", tmp_path / "t", tmp_path / "request")
    said = hub("terminal", "answer", tmp_path / "request", tmp_path / "answer", "楼道", *where, "--json")
    assert (said.status, said.json["problem"]) == (2, "address_not_ipv4")
    assert known(hub, "楼道") == []


def test_files_that_will_not_do(hub: Served, tmp_path: Path) -> None:
    request, answer = tmp_path / "request", tmp_path / "answer"

    def said() -> tuple[int, str]:
        told = hub("terminal", "answer", request, answer, "文件", "--zone", "东区", "--json")
        return told.status, told.json["problem"]

    assert said() == (3, "not_there")
    request.write_text("homework")
    assert said() == (2, "request_malformed")
    request.unlink()
    begin_offline("pi", tmp_path / "t", request)
    answer.write_text("theirs")
    assert said() == (1, "answer_there")
    assert answer.read_text() == "theirs"
    request.write_text(json.dumps({"board": "pico", "key": "A" * 43}))
    answer.unlink()
    assert said() == (2, "bad_key")
    assert known(hub, "文件") == []


def test_the_same_request_again_is_the_same_terminal(hub: Served, tmp_path: Path) -> None:
    for board in get_args(Board):
        request, name = tmp_path / board, f"再答 {board}"
        begin_offline(board, tmp_path / f"{board} t", request)
        asked = ("terminal", "answer", request)
        first = hub.done(*asked, tmp_path / f"{board} 1", name, "--zone", "东区")
        again = hub.done(*asked, tmp_path / f"{board} 2", f" {name} ", "--zone", "东区")
        assert again["id"] == first["id"]
        assert (tmp_path / f"{board} 1").read_bytes() == (tmp_path / f"{board} 2").read_bytes()
        other = hub(*asked, tmp_path / "3", f"{name} 后门", "--zone", "东区", "--json")
        hub.done("terminal", "revoke", name)
        revoked = hub(*asked, tmp_path / "3", name, "--zone", "东区", "--json")
        for said in (other, revoked):
            assert said.status == 1
            assert (said.json["problem"], said.json["where"]) == ("request_answered", str(request))
            assert "--request FILE" in said.json["do"]
        assert known(hub, name) == [True]
        assert known(hub, f"{name} 后门") == []


def test_an_answer_that_was_lost_is_given_again(hub: Served, tmp_path: Path) -> None:
    """The folder is not there; the disk waits."""
    for folder in ("a", "b"):
        begin_offline("pi", tmp_path / folder, tmp_path / f"{folder}.json")
    asked = ("terminal", "answer", tmp_path / "a.json")
    assert hub(*asked, tmp_path / "none/answer", "写不成", "--zone", "东区").status == 3
    assert hub(*asked, tmp_path / "answer", "写不成", "--zone", "东区").status == 0
    assert finish_offline(tmp_path / "a", tmp_path / "answer")[0].name == "写不成"
    assert known(hub, "写不成") == [False]
    late = ("terminal", "answer", tmp_path / "b.json", tmp_path / "late", "慢盘", "--zone", "东区", "--json")
    with closing(sqlite3.connect(hub.home.database, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        waits = [hub(*late) for _ in range(2)]
        busy.execute("ROLLBACK")
    assert [(said.status, said.json["problem"]) for said in waits] == [(1, "disk_waits")] * 2
    assert not (tmp_path / "late").exists()
    # Whatever is asked next waits for the same disk, in its order.
    hub.done("terminal", "token", "快盘", "--zone", "东区")
    assert hub(*late).status == 0
    assert known(hub, "慢盘") == [False]
