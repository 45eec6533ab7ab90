"""hardware/: the drawings are those of the table, the table is that of the code, and the resistors are computed."""

import csv
import importlib.util
import re
from pathlib import Path
from typing import Any, get_args

from hub.places.enrolment import Board, usual_wiring
from tests.house.imports import ROOT

FOLDER = ROOT / "hardware"
HEADER_PINS_MAX = 40


def drawing() -> Any:
    spec = importlib.util.spec_from_file_location("draw", FOLDER / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DRAW = drawing()


def test_every_drawing_is_drawn_from_the_table() -> None:
    boards = DRAW.load()
    assert set(boards) == set(get_args(Board))
    for board, pins in boards.items():
        path = FOLDER / f"wiring-{board}.svg"
        assert path.read_text("utf-8") == DRAW.draw(board, pins), f"{path.name}: python hardware/draw.py"


def test_no_pin_is_used_twice() -> None:
    for board, pins in DRAW.load().items():
        for number in ("gpio", "pin"):
            used = [wire[number] for wire in pins.values() if number in wire]
            assert len(used) == len(set(used)), (board, number)
        assert all(1 <= wire["pin"] <= HEADER_PINS_MAX for wire in pins.values())


def test_what_is_enrolled_is_wired_so() -> None:
    for board, pins in DRAW.load().items():
        wall, bell = usual_wiring("wall", board), usual_wiring("bell", board)
        assert wall.inputs == {"panic": ("panic", pins["panic"]["gpio"])}
        assert (wall.light_pin, bell.sounder_pin) == (pins["light"]["gpio"], pins["sounder"]["gpio"])


def ohms(text: str) -> float:
    number, _, unit = text.partition(" ")
    return float(number) * {"Ω": 1, "kΩ": 1_000}[unit]


def test_the_parts_are_those_that_are_computed() -> None:
    with (FOLDER / "parts.csv").open(encoding="utf-8") as file:
        parts = list(csv.DictReader(file))
    values = {(part["part"], part["for"]): part["value"] for part in parts}
    assert ohms(values["resistor", "light"]) == DRAW.LIGHT_OHM
    assert ohms(values["resistor", "light and sounder"]) == DRAW.BASE_OHM
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert re.findall(r"\| ([\d.]+ k?Ω) \|", readme) == [
        values["resistor", "light"],
        values["resistor", "light and sounder"],
    ]
    drawn = "".join(path.read_text("utf-8") for path in sorted(Path(FOLDER).glob("wiring-*.svg")))
    assert [part["value"] for part in parts if part["part"] == "resistor" and part["value"] not in drawn] == []
