"""A board's console while its program runs: a JSON object a line (firmware/README.md)."""

import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

from firstbell_flash.find_boards import Board, Usb
from firstbell_flash.problems import BoardError, NotLinked, NotPressed
from firstbell_linux.parsing import parse_json
from firstbell_linux.problems import Phrase, Problem
from serial import Serial

LINE_BYTES_MAX = 1 << 16
READ_S = 0.2
LINK_S_MAX = 120
"""Two networks may be tried, the hub's address and the LAN in turn."""
PRESS_S_MAX = 600

KNOWN = ("not_linked", "hub_no_answer", "hub_lost", "hub_untrusted", "hub_not_found", "hub_not_ours", "hub_refused")
"""Why a node has no link, each with its words in the catalogue."""

Said = dict[str, Any]


class Console:
    """Open until it is left; goes on with a board that resets itself."""

    def __init__(self, usb: Usb, board: Board) -> None:
        self._usb = usb
        self._board = board
        self._serial: Any = None
        self._line = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def port(self) -> str:
        return self._usb.port_of(self._board)

    def lines(self, seconds: float) -> Iterator[Said]:
        """What it says within so many seconds."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            self._line += self._read()
            if len(self._line) > LINE_BYTES_MAX:
                self._line = b""
            if self._line.endswith(b"\n"):
                line, self._line = self._line, b""
                with suppress(ValueError):
                    yield parse_json(line, Said)

    def _read(self) -> bytes:
        try:
            if self._serial is None:
                self._serial = Serial(self.port, timeout=READ_S, exclusive=True)
            read: bytes = self._serial.read_until()
            return read
        except (OSError, termios.error):
            # It resets itself, and its port goes and comes.
            self._close()
            self._line = b""
            time.sleep(READ_S)
            return b""

    def _close(self) -> None:
        if self._serial is not None:
            with suppress(OSError, termios.error):
                self._serial.close()
            self._serial = None


def until_linked(console: Console) -> bool:
    """False when it never said how it is: it may have had its link before we listened, which its next press shows.

    Raises NotLinked: it says why it finds no hub; BoardError: its program fails.
    """
    state: Said = {}
    for said in console.lines(LINK_S_MAX):
        _check(console, said)
        state = said.get("state", state)
        if state.get("linked"):
            return True
    if state:
        problem = str([KNOWN[0], *state.get("problems", ())][-1])
        name, _, reason = problem.partition(": ")
        why = Phrase(f"link.{name}") if name in KNOWN else name
        fields: dict[str, str | Phrase] = {"why": why, "reason": reason or "–"}
        raise NotLinked(Problem("not_linked", console.port, fields))
    return False


def until_receipt(console: Console) -> str:
    """A press that the hub has on its disk: its digest. Raises NotPressed, BoardError."""
    pressed: set[str] = set()
    for said in console.lines(PRESS_S_MAX):
        _check(console, said)
        made = said.get("made", {})
        if made.get("what") == "panic":
            pressed.add(made["event"])
        event = said.get("receipt", {}).get("event")
        if event in pressed:
            return str(event)
    raise NotPressed(Problem("no_receipt" if pressed else "not_pressed", console.port))


def _check(console: Console, said: Said) -> None:
    if "failed" in said:
        raise BoardError(Problem("program_failed", console.port, {"reason": str(said["failed"])}))
