"""hardware/: the drawings are those of the table, the table is that of the code, and what is computed is computed."""

import csv
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any, get_args

from firstbell.light import COMING, HEARD, NOT_DELIVERED, RECORDED, RHYTHMS_MS
from firstbell.supply import LOW_MV, VSYS_GPIO, WELL_MV
from firstbell_linux.enrolment import Board

from hub.places.enrolment import usual_wiring
from tests.house.imports import ROOT

FOLDER = ROOT / "hardware"
HEADER_PINS_MAX = 40


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DRAW = script("draw")
POWER = script("power")
PANEL = (ROOT / "firmware/node/panel.py").read_text("utf-8")


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
        assert all(1 <= wire["pin"] <= HEADER_PINS_MAX for wire in pins.values() if "pin" in wire)


def test_what_is_enrolled_is_wired_so() -> None:
    for board, pins in DRAW.load().items():
        wall, bell = usual_wiring("wall", board), usual_wiring("bell", board)
        own = {"supply": ("supply", VSYS_GPIO)} if board == "pico" else {}
        assert wall.inputs == {"panic": ("panic", pins["panic"]["gpio"]), **own}
        assert bell.inputs == own
        assert (wall.light_pin, bell.sounder_pin) == (pins["light"]["gpio"], pins["sounder"]["gpio"])


def ohms(text: str) -> float:
    number, _, unit = text.partition(" ")
    return float(number) * {"Ω": 1, "kΩ": 1_000}[unit]


def listed() -> list[dict[str, str]]:
    with (FOLDER / "parts.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_parts_are_those_that_are_computed() -> None:
    parts = listed()
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


def test_what_is_said_of_power_is_what_is_computed() -> None:
    page = (FOLDER / "power.md").read_text("utf-8")
    assert page == POWER.written(page), "python hardware/power.py"
    for corner, rows in POWER.tables().items():
        assert f"| {corner} |" in page
        assert "\n".join(rows) in page
    (duty,) = re.findall(r"^LIGHT_DUTY = ([\d_]+)$", PANEL, re.MULTILINE)
    assert int(duty) / 65_535 == POWER.LIGHT_DUTY
    sizes = {board: f"{POWER.bought_ah(board):g} Ah" for board in POWER.BOARDS_MA}
    (battery,) = [part for part in listed() if part["part"] == "battery"]
    assert battery["value"].endswith(f" {sizes['Pico W']}")
    assert sizes["Pi Zero 2 W"] in battery["why"]


def test_a_supply_is_low_where_the_parts_say_so() -> None:
    low_v, well_v = LOW_MV / 1_000, WELL_MV / 1_000
    assert POWER.LOW_LEAST_V <= low_v < well_v <= POWER.WELL_MOST_V
    page = (FOLDER / "power.md").read_text("utf-8")
    assert f"below {low_v:g} V" in page
    assert f"until {well_v:g} V" in page
    assert f"At {low_v:g} V the lamp still gets {POWER.lit_ma(low_v):.0f} mA of its {POWER.lit_ma(5):.0f}." in page


def test_every_figure_has_its_source() -> None:
    text, _, sources = (FOLDER / "power.md").read_text("utf-8").partition("## Where the figures come from")
    numbers = re.findall(r"^\| (\d+) \|", sources, re.MULTILINE)
    assert numbers == [str(number + 1) for number in range(len(numbers))]
    assert set(re.findall(r"\[(\d+)\]", text)) <= set(numbers)


def test_the_steps_of_acceptance_are_those_of_the_table_and_the_code() -> None:
    page = (FOLDER / "acceptance.md").read_text("utf-8")
    boards = DRAW.load()
    named = set()
    for board, name, gpio, pin in re.findall(r"`(pi|pico)\.(\w+)`,? \(?(?:GPIO (\d+), )?pin (\d+)", page):
        wire = boards[board][name]
        assert (wire.get("gpio"), wire["pin"]) == (int(gpio) if gpio else None, int(pin)), (board, name)
        named.add((board, name))
    for board, pins in boards.items():
        assert [name for name, wire in pins.items() if {"gpio", "pin"} <= {*wire} and (board, name) not in named] == []
    for state in (HEARD, RECORDED, COMING, NOT_DELIVERED):
        assert "/".join(f"{part_ms / 1_000:g}" for part_ms in RHYTHMS_MS[state]) + " s" in page, state
