"""The log, the run, the time; zones, terminals, drills and test presses."""

import msgspec

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus
from hub.dispatch.rules_trouble import ended

DRILL_MS_MAX = 2 * 3_600_000
"""A drill or a test ends by itself after this time at the latest."""
DEADLINE_MS_MAX = 30 * 86_400_000
"""No step of an incident takes longer than this."""
RESTART_DUE_MS = 3_000
"""After a start, whatever waits for a person is due this soon: nobody knows what the others saw."""


def begin_log(_campus: Campus, request: r.BeginLog) -> tuple[e.Entry, ...]:
    return (
        e.LogBegan(
            at_ms=request.now_ms,
            origin=request.origin,
            previous_origin=request.previous_origin,
            previous_size=request.previous_size,
            previous_root=request.previous_root,
            remembered_size=request.remembered_size,
            remembered_root=request.remembered_root,
        ),
    )


def found_campus(campus: Campus, request: r.FoundCampus) -> tuple[e.Entry, ...]:
    if campus.campus:
        raise r.Refused("known_campus")
    return (e.CampusFounded(at_ms=request.now_ms, campus=request.campus, details=request.details),)


def start_run(campus: Campus, request: r.StartRun) -> tuple[e.Entry, ...]:
    """When this is on the disk, the disk is well: a trouble of it was the last run's, which could not say its end."""
    due_ms = request.now_ms + RESTART_DUE_MS
    started = e.RunStarted(at_ms=request.now_ms, run=request.run, version=request.version, due_ms=due_ms)
    return (started, *ended(campus, "disk", campus.campus, request.now_ms))


def set_utc(_campus: Campus, request: r.SetUtc) -> tuple[e.Entry, ...]:
    return (e.UtcSet(at_ms=request.now_ms, offset_ms=request.offset_ms, error_ms=request.error_ms),)


def set_zone(_campus: Campus, request: r.SetZone) -> tuple[e.Entry, ...]:
    if not request.tiers:
        raise r.Refused("no_tier")
    times_ms = msgspec.structs.astuple(request.deadlines)
    if min(times_ms) <= 0:
        raise r.Refused("no_time")
    if max(times_ms) > DEADLINE_MS_MAX:
        raise r.Refused("time_too_long")
    return (
        e.ZoneSet(
            at_ms=request.now_ms,
            zone=request.zone,
            details=request.details,
            deadlines=request.deadlines,
            tiers=request.tiers,
            by=request.by,
        ),
    )


def make_token(campus: Campus, request: r.MakeToken) -> tuple[e.Entry, ...]:
    if request.zone not in campus.zones:
        raise r.Refused("unknown_zone")
    return (
        e.TokenMade(
            at_ms=request.now_ms,
            terminal=request.terminal,
            zone=request.zone,
            until_ms=request.until_ms,
            by=request.by,
        ),
    )


def enrol_terminal(campus: Campus, request: r.EnrolTerminal) -> tuple[e.Entry, ...]:
    if request.terminal in campus.terminals:
        raise r.Refused("known_terminal")
    if request.zone not in campus.zones:
        raise r.Refused("unknown_zone")
    return (
        e.TerminalEnrolled(
            at_ms=request.now_ms,
            terminal=request.terminal,
            zone=request.zone,
            role=request.role,
            algorithm=request.algorithm,
            key=request.key,
            inputs=request.inputs,
            silent=request.silent,
            details=request.details,
            by=request.by,
        ),
    )


def revoke_terminal(campus: Campus, request: r.RevokeTerminal) -> tuple[e.Entry, ...]:
    _check_terminal(campus, request.terminal)
    revoked = e.TerminalRevoked(at_ms=request.now_ms, terminal=request.terminal, by=request.by)
    troubles = [t for t in campus.troubles.values() if t.about.partition("/")[0] == request.terminal]
    return (revoked, *(end for t in troubles for end in ended(campus, t.what, t.about, request.now_ms)))


def start_test(campus: Campus, request: r.StartTest) -> tuple[e.Entry, ...]:
    _check_terminal(campus, request.terminal)
    _check_until(request.until_ms, request.now_ms)
    return (e.TestStarted(at_ms=request.now_ms, terminal=request.terminal, until_ms=request.until_ms, by=request.by),)


def end_test(campus: Campus, request: r.EndTest) -> tuple[e.Entry, ...]:
    _check_terminal(campus, request.terminal)
    if campus.terminals[request.terminal].test_until_ms is None:
        return ()
    return (e.TestEnded(at_ms=request.now_ms, terminal=request.terminal, by=request.by),)


def start_drill(campus: Campus, request: r.StartDrill) -> tuple[e.Entry, ...]:
    if request.zone not in campus.zones:
        raise r.Refused("unknown_zone")
    _check_until(request.until_ms, request.now_ms)
    return (e.DrillStarted(at_ms=request.now_ms, zone=request.zone, until_ms=request.until_ms, by=request.by),)


def end_drill(campus: Campus, request: r.EndDrill) -> tuple[e.Entry, ...]:
    zone = campus.zones.get(request.zone)
    if zone is None:
        raise r.Refused("unknown_zone")
    if zone.drill_until_ms is None:
        return ()
    return (e.DrillEnded(at_ms=request.now_ms, zone=request.zone, by=request.by),)


def _check_terminal(campus: Campus, terminal: str) -> None:
    if terminal not in campus.terminals:
        raise r.Refused("unknown_terminal")
    if campus.terminals[terminal].revoked:
        raise r.Refused("revoked")


def _check_until(until_ms: int, now_ms: int) -> None:
    if not now_ms < until_ms <= now_ms + DRILL_MS_MAX:
        raise r.Refused("drill_too_long")
