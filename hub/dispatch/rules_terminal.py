"""What terminals say: events, links, lights, inputs. Each rule: campus and request in, entries out."""

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.calls import raised
from hub.dispatch.campus import Campus, Incident, Terminal, incident_id, incidents_at
from hub.dispatch.rules_trouble import began, ended

ALARMS = ("panic", "perimeter")
RESTORED = ("tamper", "supply", "stuck")
"""Troubles of an input that it begins, and ends with "restored"."""


def receive_event(campus: Campus, request: r.ReceiveEvent) -> tuple[e.Entry, ...]:
    """A validly signed event is never turned away; one that is known already changes nothing."""
    terminal = _terminal(campus, request.terminal)
    if request.digest in terminal.seen:
        return ()
    # Sequences start at 1: a 0 was not understood, and says nothing about a clone.
    again = request.seq > 0 and f"{request.boot}:{request.seq}" in terminal.seen.values()
    troubles = _troubles(campus, terminal, request, again)
    if request.what not in ALARMS:
        return (_recorded(request, "", again), *troubles)
    drill = _runs(campus.zones[terminal.zone].drill_until_ms, request.now_ms)
    test = _runs(terminal.test_until_ms, request.now_ms)
    joined = _joined(campus, terminal, drill, test)
    if joined:
        due_ms = request.now_ms + campus.zones[joined.zone].deadlines.asked_ms
        repeated = e.PressRepeated(at_ms=request.now_ms, incident=joined.incident, digest=request.digest, due_ms=due_ms)
        return (_recorded(request, joined.incident, again), repeated, *troubles)
    event = _recorded(request, incident_id(request.digest), again)
    return (raised(campus, event, drill, test), event, *troubles)


def may_be_forgotten(campus: Campus, request: r.ReceiveEvent) -> bool:
    """Whether this event may have been recorded so long ago that the campus does not know it any more.

    One digest has one boot and sequence number, and what is newer than the newest was never heard before. So a fresh
    press never has to be looked up.
    """
    terminal = campus.terminals.get(request.terminal)
    if terminal is None or request.digest in terminal.seen:
        return False
    return (request.boot, request.seq) <= terminal.newest


def _recorded(request: r.ReceiveEvent, incident: str, again: bool) -> e.EventRecorded:
    return e.EventRecorded(
        at_ms=request.now_ms,
        terminal=request.terminal,
        digest=request.digest,
        jws=request.jws,
        boot=request.boot,
        seq=request.seq,
        input=request.input,
        what=request.what,
        event_ms=request.event_ms,
        error_ms=request.error_ms,
        mono_ms=request.mono_ms,
        received_ms=request.now_ms,
        incident=incident,
        again=again,
    )


def _joined(campus: Campus, terminal: Terminal, drill: bool, test: bool) -> Incident | None:
    """The open incident of the same place. Another place has its own: two places need two answers."""
    for incident in incidents_at(campus, terminal.terminal):
        if (incident.drill, incident.test) == (drill, test) and incident.state != "resolved":
            return incident
    return None


def _runs(until_ms: int | None, now_ms: int) -> bool:
    return until_ms is not None and now_ms < until_ms


def _troubles(campus: Campus, terminal: Terminal, request: r.ReceiveEvent, again: bool) -> tuple[e.Entry, ...]:
    """A press is never less of a press for any of these."""
    now_ms, about = request.now_ms, f"{terminal.terminal}/{request.input}"
    troubles: list[e.Entry] = []
    if again:
        troubles += began(campus, "cloned", terminal.terminal, now_ms)
    if request.what == "started":
        return tuple(troubles)
    if request.what == "unknown" or request.input not in terminal.input_kinds:
        troubles += began(campus, "not_understood", terminal.terminal, now_ms)
    elif request.what in RESTORED:
        troubles += began(campus, request.what, about, now_ms)
    elif request.what == "restored":
        troubles += [end for what in RESTORED for end in ended(campus, what, about, now_ms)]
    return tuple(troubles)


def link_terminal(campus: Campus, request: r.LinkTerminal) -> tuple[e.Entry, ...]:
    terminal = _terminal(campus, request.terminal)
    if terminal.linked:
        return ()
    changed = e.LinkChanged(at_ms=request.now_ms, terminal=terminal.terminal, linked=True)
    return (changed, *ended(campus, "lost", terminal.terminal, request.now_ms))


def lose_terminal(campus: Campus, request: r.LoseTerminal) -> tuple[e.Entry, ...]:
    """Lost contact is trouble, never alarm and never calm."""
    terminal = campus.terminals.get(request.terminal)
    if terminal is None or terminal.revoked or terminal.linked is False:
        return ()
    return lost(campus, terminal, request.now_ms)


def lost(campus: Campus, terminal: Terminal, now_ms: int) -> tuple[e.Entry, ...]:
    changed = e.LinkChanged(at_ms=now_ms, terminal=terminal.terminal, linked=False)
    return (changed, *began(campus, "lost", terminal.terminal, now_ms))


def hear_terminal(campus: Campus, request: r.HearTerminal) -> tuple[e.Entry, ...]:
    """Only what changed is an entry."""
    terminal = _terminal(campus, request.terminal)
    changes: list[e.Entry] = []
    if request.light != terminal.light:
        changes.append(
            e.LightShown(
                at_ms=request.now_ms, terminal=request.terminal, light=request.light, since_ms=request.since_ms
            )
        )
    if request.ring != terminal.ring:
        changes.append(e.BellSounded(at_ms=request.now_ms, terminal=request.terminal, ring=request.ring))
    states: dict[str, e.InputState] = {name: request.inputs.get(name, "unknown") for name in terminal.input_kinds}
    if states != terminal.inputs:
        changes.append(e.InputsRead(at_ms=request.now_ms, terminal=request.terminal, inputs=states))
    for name, state in states.items():
        change = began if state == "unknown" else ended
        changes += change(campus, "input_unknown", f"{request.terminal}/{name}", request.now_ms)
    return tuple(changes)


def _terminal(campus: Campus, terminal: str) -> Terminal:
    found = campus.terminals.get(terminal)
    if found is None:
        raise r.Refused("unknown_terminal")
    if found.revoked:
        raise r.Refused("revoked")
    return found
