"""Works out what a terminal draws, its buffer and when its supply is low: `python hardware/power.py` makes the tables
of power.md anew. Where each figure comes from stands there.
"""

import re
from pathlib import Path

from draw import BASE_MA, LED_V, LIGHT_OHM, SATURATED_V, SUPPLY_V

PAGE = Path(__file__).resolve().parent / "power.md"

BOARDS_MA = {"Pico W": 63.2, "Pi Zero 2 W": 350.0, "Pi 3 B+": 500.0, "Pi 4 B": 600.0}
SOUNDER_MA = 30.0
LIGHT_DUTY = 40_000 / 65_535
"""Of a node's lamp (firmware/node/panel.py); a Pi's is switched on and off."""
RESERVE = 1.25
"""For what was not measured: transmitting, and our own program."""

HOURS = 12
CONVERTER = 0.80
BATTERY_V = 12.0
AGEING = 1.25
RATE = 0.93
"""What a battery rated over 20 h gives in 10."""
COLD = 0.74
"""What it gives at -10 °C."""
BATTERIES_AH = (1.2, 2.1, 4.0, 7.0, 12.0, 17.0)

SOUNDER_LEAST_V = 4.0
TOLERANCE = 0.05
ADC_FILTER_OHM, ADC_MA, DIVIDER = 200, 0.15, 3
READING_ERROR_V = ADC_FILTER_OHM * ADC_MA * DIVIDER / 1_000


def lit_ma(supply_v: float) -> float:
    """Through the lamp while it is on."""
    return (supply_v - LED_V - SATURATED_V) / LIGHT_OHM * 1_000


def light_ma(board: str) -> float:
    """What the lamp adds while it is lit, its transistor's base included."""
    return (lit_ma(SUPPLY_V) + BASE_MA) * (LIGHT_DUTY if board == "Pico W" else 1)


def drawn_ma(board: str) -> float:
    """At 5 V, with light and sounder on all the time: more than any terminal has."""
    return BOARDS_MA[board] + light_ma(board) + SOUNDER_MA + BASE_MA


def battery_ah(board: str) -> float:
    """The least rated capacity that lasts HOURS at the end of its life, in the cold."""
    from_battery_wh = drawn_ma(board) / 1_000 * RESERVE * SUPPLY_V * HOURS / CONVERTER
    return from_battery_wh / BATTERY_V * AGEING / RATE / COLD


def bought_ah(board: str) -> float:
    """The next size that is sold."""
    return min(size for size in BATTERIES_AH if size >= battery_ah(board))


LOW_LEAST_V = SOUNDER_LEAST_V + SATURATED_V + READING_ERROR_V
WELL_MOST_V = SUPPLY_V * (1 - TOLERANCE) - READING_ERROR_V


def tables() -> dict[str, list[str]]:
    """The rows of each table of power.md, by what stands in the corner of its head."""
    return {
        "drawn at 5 V, mA": [
            f"| {board} | {BOARDS_MA[board]:.0f} | {light_ma(board):.0f} | {SOUNDER_MA + BASE_MA:.0f} "
            f"| {drawn_ma(board):.0f} | {drawn_ma(board) * RESERVE:.0f} |"
            for board in BOARDS_MA
        ],
        "buffer": [f"| {board} | {battery_ah(board):.1f} Ah | {bought_ah(board):g} Ah |" for board in BOARDS_MA],
        "limit": [
            f"| low | {SOUNDER_LEAST_V:.1f} V for the sounder + {SATURATED_V:.1f} V of its transistor + "
            f"{READING_ERROR_V:.2f} V of the reading = {LOW_LEAST_V:.2f} V at least |",
            f"| well again | {SUPPLY_V:.1f} V − {TOLERANCE:.0%} − {READING_ERROR_V:.2f} V of the reading = "
            f"{WELL_MOST_V:.2f} V at most |",
        ],
    }


def written(page: str) -> str:
    """The page with its tables as computed."""
    for corner, rows in tables().items():
        head = rf"(\| {re.escape(corner)} \|[^\n]*\n\|[-|]+\|\n)(?:\|[^\n]*\n)+"
        page = re.sub(head, lambda found, rows=rows: found[1] + "\n".join(rows) + "\n", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
