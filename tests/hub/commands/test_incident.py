"""`incident …` and `verify`: what happened is read from the ledger itself, in words and as JSON, and can be checked."""

import asyncio
import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.commands.verify import tell_place
from hub.database import open_read_only
from hub.dispatch.batch import Batch
from hub.dispatch.entries import UtcSet, encode
from hub.home import Home
from hub.ledger.origin import split_origin
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.verdict import Kind, Place
from hub.words import words
from tests.hub.commands.typed import PIN, SCRIPT, Served, environment, make_home, serving, type_in
from tests.hub.web.wall import Wall


class Story:
    """One press, accepted, arrived at and resolved by a dispatcher for a guard; then the hub is stopped."""

    def __init__(self, hub: Served, incident: str) -> None:
        self.hub = hub
        self.incident = incident


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story") / "hub"
    hub = Served(folder, make_home(folder))
    with serving(folder):
        guard = hub.done("guard", "add", "王建国", "--pin", piped=f"{PIN}\n")["id"]
        hub.done("guard", "add", "李敏", "--role", "dispatcher", "--pin", piped=f"{PIN}\n")
        hub.done("guard", "add", "陈校长", "--role", "leader", "--pin", piped=f"{PIN}\n")
        incident = asyncio.run(_play(hub, guard))
        assert hub("incident", "close", incident, "--by", "陈校长", piped="999998\n").status == 1
        assert hub("incident", "close", incident, "--by", "李敏", piped=f"{PIN}\n").status == 1
        assert hub("incident", "close", incident, "--by", "陈校长", piped=f"{PIN}\n").status == 0
        again = hub("incident", "close", incident, "--by", "陈校长", piped=f"{PIN}\n")
        assert (again.status, "closed already" in again.err) == (1, True), again.err
        nothing = hub("incident", "close", "i-none", "--by", "陈校长", piped=f"{PIN}\n")
        assert nothing.status == 3, nothing.err
    return Story(hub, incident)


async def _play(hub: Served, guard: str) -> str:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=hub.browsing()),
        headers={"Origin": hub.made["base_url"], "X-Firstbell": "1"},
    ) as session:

        async def post(path: str, body: dict[str, Any]) -> None:
            async with session.post(hub.made["base_url"] + path, json=body) as answer:
                assert answer.status == 200, await answer.text()

        await post("/api/session", {"name": "李敏", "pin": PIN})
        wall = Wall(hub.made["base_url"], hub.browsing(), hub.home.control, "三层走廊", "东区")
        async with wall:
            entry = await wall.say("panic")
            incident, commands = entry["incident"], f"/api/incidents/{entry['incident']}/commands"
            await post(commands, {"id": "command-1", "do": "accept", "guard": guard})
            await post(commands, {"id": "command-2", "do": "on_scene", "guard": guard})
            resolve = {"do": "resolve", "guard": guard, "outcome": "genuine", "covers": [entry["digest"]]}
            await post(commands, {"id": "command-3", **resolve})
    return str(incident)


def test_it_is_listed_without_a_running_hub(story: Story) -> None:
    (listed,) = story.hub.done("incident", "list")["incidents"]
    assert listed["incident"] == story.incident
    assert (listed["state"], listed["outcome"], listed["presses"]) == ("closed", "genuine", 1)
    assert (listed["zone_name"], listed["terminal_name"]) == ("东区", "三层走廊")
    for language, says in (("en", "closed · Genuine"), ("zh-CN", "已结案 · 属实")):
        shown = story.hub("incident", "list", language=language).out
        assert all(one in shown for one in (story.incident, "东区", "三层走廊", says)), shown


def test_every_step_is_shown(story: Story) -> None:
    shown = story.hub.done("incident", "show", story.incident)
    kinds = [entry["kind"] for entry in shown["entries"]]
    steps = ["incident_raised", "event_recorded", "accepted", "arrived", "resolved", "closed"]
    assert [kind for kind in kinds if kind in steps] == steps
    assert [entry["index"] for entry in shown["entries"]] == sorted(entry["index"] for entry in shown["entries"])
    times = [entry["utc_ms"] for entry in shown["entries"]]
    assert times == sorted(times)
    said = {
        "en": ("button pressed", "王建国 accepts", "told by 李敏", "王建国 is on scene", "Genuine", "Closed by 陈校长"),
        "zh-CN": ("按下按钮", "王建国接警", "由李敏代报", "王建国到场", "属实", "陈校长结案"),
    }
    for language, says in said.items():
        text = story.hub("incident", "show", story.incident, language=language).out
        assert all(one in text for one in says), text


def test_a_clock_that_is_set_later_moves_no_time(story: Story, tmp_path: Path) -> None:
    """And each time says how far it is from UTC."""
    typed = (["incident", "list"], ["incident", "show", story.incident])
    before = [(story.hub(*one).out, story.hub.done(*one)) for one in typed]
    assert all(re.search(r"\d\d:\d\d:\d\d\.\d{3}\+08:00 ", text) for text, _ in before), before
    home = Home(tmp_path / "hub")
    shutil.copytree(story.hub.folder, home.path, ignore=shutil.ignore_patterns("*.sock"))
    with closing(Reader(open_read_only(home.database))) as reader:
        campus = reader.load_campus()
    moved = UtcSet(at_ms=campus.at_ms + 1, offset_ms=campus.utc_offset_ms + 3_600_000, error_ms=None)
    key = load_pem_private_key(home.log_key.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    with closing(Store(home.database, split_origin(campus.origin)[0], key)) as store:
        store.commit([Batch((moved,), (encode(moved),))])
    other = Served(home.path, story.hub.made)
    assert [(other(*one).out, other.done(*one)) for one in typed] == before


def test_the_record_verifies_and_an_older_checkpoint_is_in_it(story: Story, tmp_path: Path) -> None:
    good = story.hub.done("verify", "--vkey", story.hub.made["log_vkey"])
    assert (good["ok"], good["first_bad"], good["vkey_given"]) == (True, "", True)
    with sqlite3.connect(story.hub.home.database) as database:
        ((note,),) = database.execute("SELECT note FROM head").fetchall()
    database.close()
    (tmp_path / "checkpoint").write_text(note)
    assert story.hub("verify", "--against", tmp_path / "checkpoint").status == 0
    said = story.hub("verify")
    assert said.status == 0
    assert "--vkey" in said.err


def test_one_changed_byte_is_found(story: Story, tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    shutil.copytree(story.hub.folder, folder, ignore=shutil.ignore_patterns("*.sock"))
    with sqlite3.connect(folder / "hub.db") as database:
        ((index, body),) = database.execute(
            "SELECT idx, body FROM entries WHERE instr(body, ?)", (b'"outcome":"genuine"',)
        ).fetchall()
        changed = body.replace(b'"outcome":"genuine"', b'"outcome":"mistaken"')
        database.execute("UPDATE entries SET body = ? WHERE idx = ?", (changed, index))
    database.close()
    said = type_in("verify", "--home", folder, "--json")
    assert said.status == 1
    assert said.json["ok"] is False
    assert said.json["first_bad"] == f"entry {index}"
    for language, says in (("en", "NOT intact"), ("zh-CN", "记录不完整")):
        shown = type_in("verify", "--home", folder, language=language)
        assert says in shown.out
        assert {"en": f"entry {index}", "zh-CN": f"第 {index} 条"}[language] in shown.out


def test_bytes_that_are_no_text_are_shown_as_text(story: Story, tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    shutil.copytree(story.hub.folder, folder, ignore=shutil.ignore_patterns("*.sock"))
    with sqlite3.connect(folder / "hub.db") as database:
        database.execute("UPDATE incidents SET incident = CAST(X'00FFFE0A' AS TEXT)")
    database.close()
    for typed in ([], ["--json"]):
        command = [str(SCRIPT), "verify", "--home", str(folder), *typed]
        ran = subprocess.run(command, capture_output=True, env=environment(PYTHONUTF8="1"), check=False)
        said = ran.stdout.decode()
        assert (ran.returncode, ran.stderr) == (1, b"")
        assert "table incidents" in said
        assert "\\udcff\\udcfe\\n" in (json.loads(said)["first_bad"] if typed else said)


PLACES = [
    (Place("entry", {"index": 17}), "entry 17", "第 17 条"),
    (Place("entries", {"first": 256, "last": 301}, 2), "entries 256–301 of log 2", "第 256–301 条（第 2 本）"),
    (Place("tile", {"tile": "0/3"}), "tile 0/3", "哈希块 0/3"),
    (Place("checkpoint", log=1), "checkpoint of log 1", "检查点（第 1 本）"),
    (
        Place("sealed", {"name": "00ff"}, within=Place("entry", {"index": 3}, 2)),
        "sealed 00ff, entry 3 of log 2",
        "密封文字 00ff、第 3 条（第 2 本）",
    ),
    (Place("snapshot", {"size": 256}), "snapshot at 256 entries", "256 条时的快照"),
    (
        Place("table", {"name": "incidents"}, within=Place("incident", {"name": "i-1"})),
        "table incidents, incident i-1",
        "表 incidents、报警 i-1",
    ),
    (Place("event", {"name": "00ff"}), "event 00ff", "事件 00ff"),
    (Place("incident", {"name": "i-1"}), "incident i-1", "报警 i-1"),
    (Place("log", {"number": 3}), "log 3", "第 3 本"),
    (Place("schema", {"name": "trigger"}), "schema, trigger", "表结构、trigger"),
    (Place("database"), "database", "数据库"),
    (Place("against"), "against", "给的检查点"),
    (
        Place("cut", {"given": 9, "there": 8}, 1),
        "cut: checkpoint of 9 entries of log 1 given, the ledger has 8",
        "给的检查点有 9 条（第 1 本），记录只有 8 条",
    ),
    (
        Place("cut_log", {"number": 3}),
        "cut: a checkpoint of log 3 given, the ledger has none such",
        "给的检查点属于第 3 本，记录里没有这一本",
    ),
    (
        Place("fork", {"given": 9}),
        "fork: checkpoint of 9 entries given, the ledger's first 9 are others",
        "给的检查点有 9 条，记录的前 9 条不是那些",
    ),
]


def test_every_kind_of_place_is_told_for_programs_and_in_the_readers_language() -> None:
    assert {place.kind for place, _, _ in PLACES} == set(get_args(Kind))
    for place, notation, chinese in PLACES:
        assert str(place) == notation
        assert tell_place(words("zh-CN"), place) == chinese
        in_english = tell_place(words("en"), place)
        assert [in_english, " was given" in in_english] in ([notation, False], [in_english, True])


@pytest.mark.parametrize(
    ("typed", "status", "problem"),
    [
        (["--vkey", "nonsense"], 2, "vkey_malformed"),
        (["--against", "/none"], 3, "checkpoint_unreadable"),
        (["--against", "/dev/zero"], 3, "checkpoint_unreadable"),
    ],
)
def test_what_it_cannot_check_with(story: Story, typed: list[str], status: int, problem: str) -> None:
    said = story.hub("verify", *typed, "--json")
    assert (said.status, said.json["problem"]) == (status, problem)


def test_a_reason_of_this_machine_is_told_in_the_readers_language(story: Story, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, says in (
        (tmp_path / "none", "没有这个文件"),
        (tmp_path, "那是一个文件夹"),
        (tmp_path / "file/x", "那不是文件夹"),
    ):
        said = story.hub("verify", "--against", path, language="zh-CN")
        assert (said.status, says in said.err) == (3, True), said.err


def test_incidents_are_read_and_the_folder_is_left_as_it_is(story: Story) -> None:
    """As from a disk that nothing can be written to: SQLite's side files are not made."""
    folder = story.hub.home.database.parent
    before = sorted(folder.iterdir())
    for asked in (("incident", "list"), ("incident", "show", story.incident)):
        said = story.hub(*asked, "--json")
        assert (said.status, story.incident in said.out) == (0, True), said.err
        assert sorted(folder.iterdir()) == before


def test_another_hubs_key_proves_nothing(story: Story, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other")
    for language, says in (("en", "NOTHING is proved"), ("zh-CN", "什么也没证明")):
        said = story.hub("verify", "--vkey", other["log_vkey"], language=language)
        assert (said.status, says in said.out) == (1, True)
        assert all(vkey.partition("+")[0] in said.out for vkey in (other["log_vkey"], story.hub.made["log_vkey"]))
    assert story.hub("verify", "--vkey", other["log_vkey"], "--json").json["ok"] is False
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(story.hub.home.database, alone)
    said = type_in("verify", "--home", alone, "--vkey", other["log_vkey"])
    assert ("NOTHING is proved" in said.out, [path.name for path in alone.iterdir()]) == (True, ["hub.db"])


@pytest.mark.parametrize("which", ["malformed", "note", "bytes", "foreign", "unsigned"])
def test_a_checkpoint_that_says_nothing_of_this_record(story: Story, tmp_path: Path, which: str) -> None:
    """What was typed is wrong, and nobody is told that the record is."""
    make_home(tmp_path / "other")
    with (
        closing(Reader(open_read_only(tmp_path / "other/hub.db"))) as theirs,
        closing(Reader(open_read_only(story.hub.home.database))) as ours,
    ):
        foreign, own = theirs.head().note, ours.head().note
    notes = {
        "malformed": b"nonsense\n",
        "note": b"first\nsecond\n\n" + own.rpartition("\n\n")[2].encode(),
        "bytes": b"\xff\xfe",
        "foreign": foreign.encode(),
        "unsigned": own.replace("\n\n", "\nmore\n\n").encode(),
    }
    (tmp_path / "checkpoint").write_bytes(notes[which])
    said = story.hub("verify", "--against", tmp_path / "checkpoint", "--json")
    problem = f"checkpoint_{which if which in ('foreign', 'unsigned') else 'malformed'}"
    assert (said.status, said.json["problem"], said.json["where"]) == (2, problem, str(tmp_path / "checkpoint"))
    assert "What to do" in said.err
    assert "intact" not in said.err


def test_a_checkpoint_of_this_record_with_another_hubs_key(story: Story, tmp_path: Path) -> None:
    """They do not go together, and it is not said that the checkpoint is the wrong one of the two."""
    other = make_home(tmp_path / "other")
    with closing(Reader(open_read_only(story.hub.home.database))) as ours:
        (tmp_path / "checkpoint").write_text(ours.head().note)
    for language, says in (("en", "the key of"), ("zh-CN", "密钥属于")):
        typed = ("--against", tmp_path / "checkpoint", "--vkey", other["log_vkey"])
        said = story.hub("verify", *typed, language=language)
        assert (said.status, f"{says} {other['log_vkey'].partition('+')[0]}" in said.err) == (2, True), said.err
        assert "--vkey" in said.err


@pytest.mark.parametrize(
    "typed", [["incident", "list"], ["incident", "show", "none"], ["verify"], ["status"], ["--help"], ["nonsense"]]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nobody_reads_what_is_said(story: Story, typed: list[str], form: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [str(SCRIPT), "--home", str(story.hub.folder), *form, *typed]
    with os.fdopen(writing) as nobody:
        said = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False)
    assert said.returncode != 0
    assert [word for word in ("Broken pipe", "BrokenPipe", "Traceback") if word in said.stderr] == []


@pytest.mark.parametrize("typed", [["incident", "list"], ["incident", "show", "none"], ["status"], ["nonsense"]])
def test_what_is_said_goes_to_a_full_disk(story: Story, typed: list[str]) -> None:
    command = [str(SCRIPT), "--home", str(story.hub.folder), "--json", *typed]
    with open("/dev/full", "w") as full:
        said = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment())
    assert said.returncode == 4
    assert "the disk is full" in said.stderr
    assert [word for word in ("Traceback", "defect", "OSError") if word in said.stderr] == []


def test_a_time_that_is_on_no_clock(story: Story, tmp_path: Path) -> None:
    """Whoever can write the file can put it there; a person still gets a sentence."""
    home = Home(tmp_path / "hub")
    shutil.copytree(story.hub.folder, home.path, ignore=shutil.ignore_patterns("*.sock"))
    with closing(sqlite3.connect(home.database)) as database, database:
        database.execute("UPDATE incidents SET raised_ms = ?", (2**62,))
    for form in ([], ["--json"]):
        said = Served(home.path, story.hub.made)("incident", "list", *form)
        assert (said.status, str(2**62) in said.err) == (1, True), said.err


def test_what_would_move_the_cursor_or_turn_the_text_is_shown_by_its_number(story: Story) -> None:
    said = story.hub("incident", "show", "\x1b[2J\u202ename\u3000\n")
    assert said.status == 3
    assert "\\x1b[2J\\u202ename\u3000\\n\n" in said.err
    assert {one for one in said.err if not one.isprintable()} == {"\n", "\u3000"}


def test_without_a_ledger(tmp_path: Path) -> None:
    said = type_in("verify", "--home", tmp_path, "--json")
    assert (said.status, said.json["problem"]) == (3, "no_ledger")


def test_json_is_one_object_and_nothing_else(story: Story) -> None:
    for typed in (["incident", "list"], ["incident", "show", story.incident], ["verify"]):
        said = story.hub(*typed, "--json")
        assert isinstance(json.loads(said.out), dict)
        assert said.out.endswith("}\n")
