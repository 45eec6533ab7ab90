"""`terminal update`: a node is ordered another program, and the list says how far it is."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from firstbell.messages import PROTOCOL
from firstbell.program import PROGRAM_BYTES_MAX, write_manifest
from firstbell_linux import shell
from firstbell_linux.words import LANGUAGES

from hub.commands.control import Declined
from hub.commands.main import build
from hub.commands.shell import Run
from hub.words import words
from tests.hub.commands.typed import Served

FILES = [("node/main.mpy", b"main" * 9)]
PROGRAM = write_manifest("9.0", FILES) + FILES[0][1]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "node.program").write_bytes(PROGRAM)
    return tmp_path / "node.program"


def test_a_node_is_ordered_another_program(hub: Served, program: Path, tmp_path: Path) -> None:
    hub.done("terminal", "enrol", "节点", "--zone", "东区", "--to", tmp_path / "t", "--algorithm", "HS256")
    ordered = hub.done("terminal", "update", "节点", program)
    assert ordered["version"].startswith("9.0+")
    (listed,) = [one for one in hub.done("terminal", "list")["terminals"] if one["id"] == ordered["id"]]
    assert (listed["software"], listed["update"]) == ("", {"version": ordered["version"], "state": "ordered"})
    for language in LANGUAGES:
        assert ordered["version"] in hub("terminal", "list", language=language).out
    kept = hub.home.programs / hashlib.sha256(PROGRAM).hexdigest()
    assert kept.read_bytes() == PROGRAM
    assert kept.stat().st_mode & 0o777 == 0o600
    assert hub.home.programs.stat().st_mode & 0o777 == 0o700


def test_what_is_no_program_is_not_sent(hub: Served, program: Path, tmp_path: Path) -> None:
    hub.done("terminal", "enrol", "另一节点", "--zone", "东区", "--to", tmp_path / "t", "--algorithm", "HS256")
    for data in (b"", PROGRAM[:-1], PROGRAM + b"x", b"\0" * (PROGRAM_BYTES_MAX + 9)):
        program.write_bytes(data)
        said = hub("terminal", "update", "另一节点", program, "--json")
        assert (said.status, said.json["problem"], said.json["where"]) == (2, "no_program", str(program))
    said = hub("terminal", "update", "另一节点", tmp_path / "nothing", "--json")
    assert (said.status, said.json["problem"]) == (3, "not_there")
    said = hub("terminal", "update", "另一节点", "/dev/zero", "--json")
    assert (said.status, said.json["problem"], said.json["where"]) == (4, "system", "/dev/zero")
    program.write_bytes(PROGRAM.replace(b" %d\n" % PROTOCOL, b" %d\n" % (PROTOCOL + 1), 1))
    said = hub("terminal", "update", "另一节点", program, "--json")
    assert (said.status, said.json["problem"], said.json["where"]) == (1, "other_protocol", str(program))
    assert "firstbell-flash program" in said.json["do"]


class _Declining(Run):
    """Its hub has one node, which runs whatever it is to run."""

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        if method == "GET":
            return {"terminals": [{"id": "t-aaaaaaaaaa", "name": "节点"}]}
        raise Declined(409, "runs_already", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_which_node_runs_it_already_is_said(program: Path, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.main(_Declining(words(language)), build, ["terminal", "update", "节点", str(program), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["problem"], said["where"]) == ("runs_already", "节点")
    assert "firstbell-hub terminal list" in said["do"]


def test_only_nodes_get_one(hub: Served, program: Path, tmp_path: Path) -> None:
    hub.done("terminal", "enrol", "树莓派", "--zone", "东区", "--to", tmp_path / "t")
    refused = write_manifest("9.1", FILES) + FILES[0][1]
    program.write_bytes(refused)
    for language in LANGUAGES:
        said = hub("terminal", "update", "树莓派", program, "--json", language=language)
        assert (said.status, said.json["problem"], said.json["where"]) == (1, "no_node", "树莓派")
        assert said.json["do"]
    assert not (hub.home.programs / hashlib.sha256(refused).hexdigest()).exists(), "what nobody gets is not kept"
    assert hub("terminal", "update", "没有", program).status == 3
