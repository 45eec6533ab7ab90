"""The rows of incidents and responders beside the fold that they must equal."""

import sqlite3

from hub.dispatch.campus import Campus, responders

_INCIDENTS = """SELECT incident, terminal, zone, severity, raised_ms, state, outcome, drill, test, presses
    FROM incidents WHERE state != 'closed' ORDER BY incident"""
_RESPONDERS = "SELECT incident, guard, state FROM responders ORDER BY incident, guard"


def difference(tables: sqlite3.Connection, campus: Campus) -> str:
    """What the tables say otherwise than the campus; empty: nothing. A closed incident's row outlives its campus's."""
    incidents = [
        (i.incident, i.terminal, i.zone, i.severity, i.raised_ms, i.state, i.outcome or "", i.drill, i.test, i.presses)
        for i in campus.incidents.values()
    ]
    coming = [(i.incident, a.guard, a.state) for i in campus.incidents.values() for a in responders(i)]
    for query, folded in ((_INCIDENTS, incidents), (_RESPONDERS, coming)):
        rows = tables.execute(query).fetchall()
        if rows != sorted(folded):
            return f"the tables have {sorted({*rows} - {*folded})[:1]}, the fold has {sorted({*folded} - {*rows})[:1]}"
    return ""
