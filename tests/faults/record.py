"""What the ledger says of the presses, beside what everybody else saw: the table."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from firstbell.merkle import leaf_hash

from hub.database import open_read_only
from hub.dispatch import entries as e
from hub.ledger.tree import Tree
from tests.faults.world import Press, World
from tests.terminal.real_terminal import RealTerminal

_RECEIPT = re.compile(r"event=receipt\b.*\bdigest=([0-9a-f]{64})")
_HEADINGS = ("fault", "pressed", "recorded", "doubled", "receipted", "paged", "worst press → page")


@dataclass(frozen=True, slots=True)
class Row:
    """Of all presses under one fault. `worst_ms`: from a press's first edge until it stood on a pager."""

    fault: str
    pressed: int
    recorded: int
    doubled: int
    receipted: int
    paged: int
    worst_ms: int

    @property
    def is_well(self) -> bool:
        """Nothing is lost, doubled, without its receipt or unpaged."""
        return self.pressed == self.recorded == self.receipted == self.paged and not self.doubled


def read_bodies(database: Path) -> list[bytes]:
    """Every entry of the one log."""
    with closing(open_read_only(database)) as connection:
        rows = connection.execute("SELECT epoch, body FROM entries ORDER BY epoch, idx").fetchall()
    assert {epoch for epoch, _ in rows} == {1}
    return [bytes(body) for _, body in rows]


def roots(bodies: Iterable[bytes]) -> dict[int, bytes]:
    """Of every beginning of the log, by its size."""
    tiles: dict[tuple[int, int], bytes] = {}
    tree = Tree.empty(lambda level, n: tiles[level, n])
    found = {0: tree.root()}
    for body in bodies:
        tree = tree.append([leaf_hash(body)])
        tiles.update({(tile.level, tile.n): tile.hashes for tile in tree.filled})
        found[tree.size] = tree.root()
    return found


def recorded_times(bodies: Iterable[bytes]) -> Counter[str]:
    """How often each press is in. A second event under a number already used counts as one too many."""
    times: Counter[str] = Counter()
    for entry in map(e.decode, bodies):
        if isinstance(entry, e.EventRecorded) and entry.what == "panic":
            times[entry.digest] += 1 + entry.again
    return times


def receipts(terminals: Iterable[RealTerminal]) -> set[str]:
    """The events whose receipts they have checked and taken, by their own logs."""
    return {found[1] for terminal in terminals for found in _RECEIPT.finditer(terminal.log)}


def tally(world: World) -> list[Row]:
    """A row for each fault, in the order they came, and one for all. Counts what a terminal had on its disk."""
    bodies = read_bodies(world.hub.home.database)
    return rows(world.presses, bodies, receipts(world.terminals), world.shown)


def rows(all_presses: Iterable[Press], bodies: list[bytes], receipted: set[str], shown: Mapping[str, int]) -> list[Row]:
    times = recorded_times(bodies)
    presses = [press for press in all_presses if press.kept]
    faults = list(dict.fromkeys(press.fault for press in presses))
    each = [
        _row(fault, [press for press in presses if press.fault == fault], times, receipted, shown) for fault in faults
    ]
    return [*each, _row("all", presses, times, receipted, shown)]


def _row(fault: str, presses: list[Press], times: Counter[str], receipted: set[str], shown: Mapping[str, int]) -> Row:
    waits = [shown[press.digest] - press.at_ms for press in presses if press.digest in shown]
    return Row(
        fault,
        pressed=len(presses),
        recorded=sum(times[press.digest] > 0 for press in presses),
        doubled=sum(times[press.digest] > 1 for press in presses),
        receipted=sum(press.digest in receipted for press in presses),
        paged=len(waits),
        worst_ms=max(waits, default=0),
    )


def table(rows: Iterable[Row]) -> str:
    """In Markdown."""
    lines = [f"| {' | '.join(_HEADINGS)} |", f"|---{'|--:' * (len(_HEADINGS) - 1)}|"]
    for row in rows:
        cells = (row.fault, row.pressed, row.recorded, row.doubled, row.receipted, row.paged, f"{row.worst_ms} ms")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
