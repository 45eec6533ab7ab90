"""The rows that are derived from entries: written by the writer with each commit, rebuilt by `verify` to compare.

What an incident's row says is what the campus's fold says of it (`hub.dispatch.fold`), and stays when the campus has
forgotten a closed incident. Total, like the fold: an entry about something unknown changes nothing.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from hub.dispatch import entries as e

_Change = Callable[[sqlite3.Connection, int, int, Any], None]

_LIVING = "state != 'closed'"
_OPEN = "state IN ('raised', 'dispatched', 'on_scene')"


def project(connection: sqlite3.Connection, epoch: int, index: int, entry: e.Entry) -> None:
    """Writes what the entry at `index` of log `epoch` adds to the derived tables. Raises sqlite3.Error."""
    change = _CHANGES.get(type(entry))
    if change:
        change(connection, epoch, index, entry)
    incident = getattr(entry, "incident", "")
    if incident:
        _belongs(connection, incident, epoch, index)


def commitments(entry: e.Entry) -> tuple[str, ...]:
    """The sealed texts that this entry brings into the ledger, by commitment."""
    named = (getattr(entry, "details", ""), getattr(entry, "note", ""))
    return tuple(commitment for commitment in named if commitment)


def _belongs(connection: sqlite3.Connection, incident: str, epoch: int, index: int) -> None:
    connection.execute("INSERT INTO incident_entries VALUES (?, ?, ?)", (incident, epoch, index))


def _event(connection: sqlite3.Connection, epoch: int, index: int, entry: e.EventRecorded) -> None:
    # Should a digest ever be recorded twice, its first place counts.
    row = (entry.digest, epoch, index, entry.incident)
    connection.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", row)
    if entry.incident:
        connection.execute(
            f"UPDATE incidents SET presses = presses + 1 WHERE incident = ? AND {_LIVING}",  # noqa: S608
            (entry.incident,),
        )


def _raised(connection: sqlite3.Connection, epoch: int, index: int, entry: e.IncidentRaised) -> None:
    row = (
        entry.incident,
        entry.terminal,
        entry.zone,
        entry.severity,
        entry.at_ms,
        entry.drill,
        entry.test,
        epoch,
        index,
    )
    connection.execute("INSERT OR IGNORE INTO incidents VALUES (?, ?, ?, ?, ?, 'raised', '', ?, ?, 0, ?, ?)", row)


def _accepted(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Accepted) -> None:
    connection.execute(
        f"""INSERT OR REPLACE INTO responders SELECT incident, ?, 'accepted' FROM incidents
        WHERE incident = ? AND {_OPEN}""",  # noqa: S608
        (entry.guard, entry.incident),
    )
    _settle(connection, entry.incident)


def _arrived(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Arrived) -> None:
    connection.execute(
        "UPDATE responders SET state = 'on_scene' WHERE incident = ? AND guard = ?", (entry.incident, entry.guard)
    )
    _settle(connection, entry.incident)


def _leaves(
    connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Declined | e.Released | e.GuardDown
) -> None:
    connection.execute("DELETE FROM responders WHERE incident = ? AND guard = ?", (entry.incident, entry.guard))
    _settle(connection, entry.incident)


def _settle(connection: sqlite3.Connection, incident: str) -> None:
    """The incident's state follows from who responds."""
    connection.execute(
        f"""UPDATE incidents SET state = CASE (SELECT max(state) FROM responders WHERE incident = ?)
        WHEN 'on_scene' THEN 'on_scene' WHEN 'accepted' THEN 'dispatched' ELSE 'raised' END
        WHERE incident = ? AND {_OPEN}""",  # noqa: S608
        (incident, incident),
    )


def _resolved(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Resolved) -> None:
    connection.execute(
        f"UPDATE incidents SET state = 'resolved', outcome = ? WHERE incident = ? AND {_LIVING}",  # noqa: S608
        (entry.outcome, entry.incident),
    )
    _nobody_responds(connection, entry.incident)


def _reopened(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Reopened) -> None:
    connection.execute(
        "UPDATE incidents SET state = 'raised', outcome = '' WHERE incident = ? AND state = 'resolved'",
        (entry.incident,),
    )


def _closed(connection: sqlite3.Connection, _epoch: int, _index: int, entry: e.Closed) -> None:
    connection.execute("UPDATE incidents SET state = 'closed' WHERE incident = ?", (entry.incident,))
    _nobody_responds(connection, entry.incident)


def _nobody_responds(connection: sqlite3.Connection, incident: str) -> None:
    connection.execute("DELETE FROM responders WHERE incident = ?", (incident,))


def _light(connection: sqlite3.Connection, epoch: int, index: int, entry: e.LightShown) -> None:
    """What the wall light showed belongs to the open incidents of its terminal, or to the last one resolved."""
    added = connection.execute(
        f"INSERT INTO incident_entries SELECT incident, ?, ? FROM incidents WHERE terminal = ? AND {_OPEN}",  # noqa: S608
        (epoch, index, entry.terminal),
    )
    if not added.rowcount:
        connection.execute(
            """INSERT INTO incident_entries SELECT incident, ?, ? FROM incidents
            WHERE terminal = ? AND state = 'resolved' ORDER BY epoch DESC, idx DESC LIMIT 1""",
            (epoch, index, entry.terminal),
        )


_CHANGES: dict[type[e.Entry], _Change] = {
    e.EventRecorded: _event,
    e.IncidentRaised: _raised,
    e.Accepted: _accepted,
    e.Arrived: _arrived,
    e.Declined: _leaves,
    e.Released: _leaves,
    e.GuardDown: _leaves,
    e.Resolved: _resolved,
    e.Reopened: _reopened,
    e.Closed: _closed,
    e.LightShown: _light,
}
