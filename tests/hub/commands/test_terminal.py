"""`terminal …`: enrolled with a folder to carry, listed, tested, revoked; both or neither when something fails."""

from pathlib import Path

import pytest

from terminal.credentials import load_key, load_vkey
from terminal.settings import load_settings
from tests.hub.commands.typed import Served


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


def test_a_node_and_a_bell(hub: Served, tmp_path: Path) -> None:
    hub.done("terminal", "enrol", "后门", "--zone", "东区", "--to", tmp_path / "node", "--algorithm", "HS256")
    load_key(tmp_path / "node/key", "HS256")
    bell = ("--role", "bell", "--hub", "127.0.0.1:8443", "--simulated")
    hub.done("terminal", "enrol", "门卫铃", "--zone", "东区", "--to", tmp_path / "bell", *bell)
    settings = load_settings(tmp_path / "bell/settings.toml")
    assert (settings.role, settings.hub.address, settings.simulated.pins) == ("bell", "127.0.0.1:8443", True)
    assert settings.outputs.sounder_pin is not None


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
    assert said.status == 4
    assert names(hub) == before


def test_enrol_says_what_is_in_the_way_of_its_folder(hub: Served, tmp_path: Path) -> None:
    before = names(hub)
    (tmp_path / "file").write_text("")
    for folder in ("/dev/null/x", tmp_path / "file/t", tmp_path / "file/deep/t"):
        said = hub("terminal", "enrol", "新终端", "--zone", "东区", "--to", folder, "--json")
        assert (said.status, said.json["problem"]) == (4, "system")
        assert "Not a directory" in said.err
    assert names(hub) == before
