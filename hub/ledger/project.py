"""The rows that are derived from entries: written by the writer with each commit, rebuilt by `verify` to compare."""

import sqlite3
from collections.abc import Callable

from hub.dispatch import entries as e


def project(connection: sqlite3.Connection, epoch: int, index: int, entry: e.Entry) -> None:
    """Writes what this entry adds to events, incidents and incident_entries."""
    change = _CHANGES.get(type(entry))
    if change:
        change(connection, epoch, index, entry)
    if isinstance(entry, e.LightShown):
        _link_light(connection, epoch, index, entry)
    incident = getattr(entry, "incident", "")
    if incident:
        connection.execute("INSERT INTO incident_entries VALUES (?, ?, ?)", (incident, epoch, index))
        connection.execute("UPDATE incidents SET last_idx = ? WHERE incident = ?", (index, incident))


def _event(connection: sqlite3.Connection, epoch: int, index: int, entry: e.EventRecorded) -> None:
    connection.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", (entry.digest, epoch, index, entry.incident))


def _raised(connection: sqlite3.Connection, epoch: int, index: int, entry: e.IncidentRaised) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO incidents VALUES (?, ?, ?, ?, 'open', '', ?, ?, 1, ?, ?, ?)",
        (
            entry.incident,
            entry.terminal,
            entry.zone,
            entry.at_ms,
            entry.drill,
            entry.test,
            epoch,
            index,
            index,
        ),
    )


def _repeated(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.PressRepeated) -> None:
    connection.execute("UPDATE incidents SET presses = presses + 1 WHERE incident = ?", (entry.incident,))


def _resolved(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Resolved) -> None:
    connection.execute(
        "UPDATE incidents SET state = 'resolved', outcome = ? WHERE incident = ?", (entry.outcome, entry.incident)
    )


def _reopened(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Reopened) -> None:
    connection.execute("UPDATE incidents SET state = 'open', outcome = '' WHERE incident = ?", (entry.incident,))


def _closed(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Closed) -> None:
    connection.execute("UPDATE incidents SET state = 'closed' WHERE incident = ?", (entry.incident,))


def _link_light(connection: sqlite3.Connection, epoch: int, index: int, entry: e.LightShown) -> None:
    """What the wall light showed belongs to the incidents of its terminal that are not closed."""
    connection.execute(
        """INSERT INTO incident_entries SELECT incident, ?, ? FROM incidents
        WHERE terminal = ? AND state != 'closed'""",
        (epoch, index, entry.terminal),
    )


_CHANGES: dict[type[e.Entry], Callable[..., None]] = {
    e.EventRecorded: _event,
    e.IncidentRaised: _raised,
    e.PressRepeated: _repeated,
    e.Resolved: _resolved,
    e.Reopened: _reopened,
    e.Closed: _closed,
}
