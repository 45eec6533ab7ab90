"""The programs of nodes: ordered, fetched, tried, and which one runs. Each rule: campus and request in, entries out.

state      | comes when
-----------|--------------------------------------------------------------------------
ordered    | somebody orders it, whatever there was before
fetching   | the node asks for its beginning; the ATTEMPTS_MAX-th time is the last
written    | the node has read it back from its flash
done       | a hello says that it runs
gone_back  | a hello says that it was tried; then the order is over
the others | the node can't take it, or the hub has it no more; then the order is over
"""

import re

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus, Update

ATTEMPTS_MAX = 5
UNDER_WAY: tuple[e.UpdateState, ...] = ("ordered", "fetching", "written")

_VERSION = re.compile(r"[0-9A-Za-z.+_-]*")


def is_under_way(update: Update | None) -> bool:
    return update is not None and update.state in UNDER_WAY


def needed_programs(campus: Campus) -> set[str]:
    """The digests of those that some node is still to get."""
    updates = [terminal.update for terminal in campus.terminals.values()]
    return {update.digest for update in updates if update is not None and update.state in UNDER_WAY}


def order_update(campus: Campus, request: r.OrderUpdate) -> tuple[e.Entry, ...]:
    terminal = campus.terminals.get(request.terminal)
    if terminal is None:
        raise r.Refused("unknown_terminal")
    if terminal.revoked:
        raise r.Refused("revoked")
    if terminal.algorithm != "HS256":
        raise r.Refused("no_node")
    if terminal.software and not terminal.updatable:
        raise r.Refused("not_updatable")
    if terminal.software == request.version:
        raise r.Refused("runs_already")
    return (
        e.UpdateOrdered(
            at_ms=request.now_ms,
            terminal=request.terminal,
            version=request.version,
            size=request.size,
            digest=request.digest,
            by=request.by,
        ),
    )


def progress_update(campus: Campus, request: r.ProgressUpdate) -> tuple[e.Entry, ...]:
    """A word about what is not ordered, or over, changes nothing."""
    terminal = campus.terminals.get(request.terminal)
    update = terminal.update if terminal else None
    if update is None or update.digest != request.digest or update.state not in UNDER_WAY:
        return ()
    again = request.to == "fetching" and update.attempts >= ATTEMPTS_MAX
    if request.to == update.state and request.to != "fetching":
        return ()
    to: e.UpdateState = "given_up" if again else request.to
    return (e.UpdateProgressed(at_ms=request.now_ms, terminal=request.terminal, to=to),)


def hear_software(campus: Campus, request: r.HearSoftware) -> tuple[e.Entry, ...]:
    """No free text goes into an entry: an odd version is none."""
    terminal = campus.terminals.get(request.terminal)
    if terminal is None or terminal.revoked:
        return ()
    said: list[e.Entry] = []
    software = request.software if _VERSION.fullmatch(request.software) else ""
    updatable = request.tried is not None
    if (software, updatable) != (terminal.software, terminal.updatable):
        seen = e.SoftwareSeen(at_ms=request.now_ms, terminal=request.terminal, software=software, updatable=updatable)
        said.append(seen)
    to = _outcome(terminal.update, software, request.tried)
    if to:
        said.append(e.UpdateProgressed(at_ms=request.now_ms, terminal=request.terminal, to=to))
    return tuple(said)


def _outcome(update: Update | None, software: str, tried: str | None) -> e.UpdateState | None:
    if update is None:
        return None
    if software == update.version:
        return None if update.state == "done" else "done"
    return "gone_back" if went_back(update, tried) and update.state != "gone_back" else None


def went_back(update: Update, tried: str | None) -> bool:
    """Whether this order's program is the one that was tried; the same version may have been ordered again since."""
    return tried == update.version and update.state != "ordered"
