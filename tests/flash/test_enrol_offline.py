"""A request and an answer on a stick: what is written when, and every answer that is none."""

import json
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from firstbell.jws import b64url, unb64url
from firstbell.note import Vkey, parse_vkey
from firstbell_flash.enrol import begin_offline, finish_offline
from firstbell_flash.problems import FileError, NotFound
from firstbell_linux.enrolment import Board, EnrolAnswer, EnrolRequest, encode, read_message

from terminal.credentials import load_key
from terminal.settings import load_settings

GOLDEN = Path(__file__).parents[1] / "golden"
ENROLMENTS: list[dict[str, Any]] = json.loads((GOLDEN / "enrolments.json").read_text("utf-8"))["enrolments"]
ANSWERS = {
    json.loads(one["request"])["board"]: msgspec.json.decode(one["answer"], type=EnrolAnswer) for one in ENROLMENTS
}
BOARDS = pytest.mark.parametrize("board", ["pi", "pico"])


class Stick:
    """A folder to be made, and what goes to and fro."""

    def __init__(self, path: Path) -> None:
        self.folder = path / "home"
        self.request = path / "request.json"
        self.answer = path / "answer.json"

    def begin(self, board: Board = "pi") -> EnrolRequest:
        begin_offline(board, self.folder, self.request)
        return read_message(self.request, EnrolRequest)

    def answered(self, asked: EnrolRequest, **otherwise: Any) -> EnrolAnswer:
        """As a hub would; `otherwise` are fields that it would not."""
        whole = msgspec.structs.replace(ANSWERS[asked.board], **{"key": asked.key, **otherwise})
        self.answer.write_bytes(encode(whole))
        return whole

    def refused(self, kind: type[FileError] | type[NotFound] = FileError) -> str:
        """The problem's name; nothing is left of the attempt."""
        before = sorted(self.answer.parent.rglob("*"))
        with pytest.raises(kind) as told:
            finish_offline(self.folder, self.answer)
        assert sorted(self.answer.parent.rglob("*")) == before
        return told.value.problem.name


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    return Stick(tmp_path)


@BOARDS
def test_there_and_back(stick: Stick, board: Board) -> None:
    asked = stick.begin(board)
    assert asked.board == board
    own = stick.folder.with_name(".home.enrolling")
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    answer = stick.answered(asked)
    enrolled, fingerprint = finish_offline(stick.folder, stick.answer)
    assert fingerprint == sha256(stick.answer.read_bytes()).digest().hex(":").upper()
    assert not own.exists()
    settings = load_settings(enrolled.home.settings)
    assert (enrolled.terminal, enrolled.name) == (settings.terminal, settings.name)
    assert load_key(enrolled.home.key, settings.algorithm).algorithm == ("EdDSA" if board == "pi" else "HS256")
    assert (enrolled.home.ca.read_text(), enrolled.home.vkey.read_text()) == (answer.ca, answer.vkey)
    assert {stat.S_IMODE(path.stat().st_mode) for path in stick.folder.iterdir()} == {0o600}
    assert finish_offline(stick.folder, stick.answer) == (enrolled, fingerprint), "again it is only looked at"


@BOARDS
def test_what_is_carried_has_no_secret(stick: Stick, board: Board) -> None:
    asked = stick.begin(board)
    stick.answered(asked)
    finish_offline(stick.folder, stick.answer)
    kept = (stick.folder / "key").read_text().strip()
    assert kept not in stick.request.read_text() + stick.answer.read_text()
    assert len(unb64url(kept)) == 32


def test_begun_again_it_is_the_same_request(stick: Stick) -> None:
    first = stick.begin()
    assert stick.begin() == first
    stick.request.unlink()
    assert stick.begin() == first
    # For another board it is another terminal's.
    stick.request.unlink()
    assert stick.begin("pico").key != first.key


@pytest.mark.parametrize("left", ["", "{", '{"x":' + "[" * 5_000, '{"board":"pi","secret":"AAAA"}'])
def test_what_a_damaged_disk_has_left_of_the_key(stick: Stick, left: str) -> None:
    asked = stick.begin()
    stick.folder.with_name(".home.enrolling").write_text(left)
    stick.answered(asked)
    assert stick.refused(NotFound) == "no_request"
    stick.request.unlink()
    assert stick.begin().key != asked.key


def test_a_file_in_the_way_is_left_alone(stick: Stick) -> None:
    stick.request.write_text("homework")
    with pytest.raises(FileError) as told:
        stick.begin()
    assert told.value.problem.name == "request_there"
    assert stick.request.read_text() == "homework"
    stick.request.unlink()
    stick.folder.mkdir()
    (stick.folder / "theirs").write_text("")
    with pytest.raises(FileError) as told:
        stick.begin()
    assert told.value.problem.name == "folder_not_empty"
    assert not stick.request.exists()


def test_an_answer_that_nobody_asked_for(stick: Stick) -> None:
    stick.answered(EnrolRequest("pi", b64url(bytes(32))))
    assert stick.refused(NotFound) == "no_request"
    stick.begin()
    assert stick.refused() == "answer_of_other"


@BOARDS
@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        "oversized",
        "ca",
        "two ca",
        "vkey",
        "other log",
        "settings",
        "simulated",
        "deep",
        "hub_key",
        "other board",
    ],
)
def test_an_answer_that_is_none(stick: Stick, board: Board, wrong: str) -> None:
    asked = stick.begin(board)
    whole = stick.answered(asked)
    other = ANSWERS["pico" if board == "pi" else "pi"]
    match wrong:
        case "text":
            stick.answer.write_text("homework")
        case "oversized":
            stick.answer.write_bytes(encode(whole) + b" " * 16_384)
        case "ca":
            stick.answered(asked, ca=whole.ca.replace("MII", "AAA", 1))
        case "two ca":
            stick.answered(asked, ca=whole.ca * 2)
        case "vkey":
            stick.answered(asked, vkey="x")
        case "other log":
            vkey = parse_vkey(whole.vkey.strip())
            stick.answered(
                asked, vkey=Vkey("firstbell.example/c-other22222/1", vkey.kind, vkey.public_key).text() + "\n"
            )
        case "simulated":
            stick.answered(asked, settings=whole.settings + "\n[simulated]\npins = true\n")
        case "settings":
            stick.answered(asked, settings=whole.settings + "\nmore = 1\n")
        case "deep":
            stick.answered(asked, settings="x = " + "[" * 4_000)
        case "hub_key":
            stick.answered(asked, hub_key=b64url(bytes(32)))
        case "other board":
            stick.answered(asked, settings=other.settings)
    assert stick.refused() == "answer_malformed"
    stick.answered(asked)
    assert finish_offline(stick.folder, stick.answer)[0].home.key.exists(), "the right one is taken all the same"


@pytest.mark.parametrize(
    "otherwise",
    [
        {"settings": ANSWERS["pi"].settings.replace("t-pi22222222", "t-pi33333333")},
        {"ca": ANSWERS["pi"].ca + "\n"},
        {"vkey": ANSWERS["pi"].vkey + "\n"},
    ],
)
def test_a_home_of_another_answer_stays(stick: Stick, otherwise: dict[str, str]) -> None:
    asked = stick.begin()
    stick.answered(asked)
    finish_offline(stick.folder, stick.answer)
    stick.answered(asked, **otherwise)
    assert stick.refused() == "folder_not_empty"


def test_a_damaged_home_is_not_the_one_of_the_answer(stick: Stick) -> None:
    stick.answered(stick.begin())
    finish_offline(stick.folder, stick.answer)
    (stick.folder / "ca.pem").write_bytes(b"\xff")
    assert stick.refused() == "folder_not_empty"
