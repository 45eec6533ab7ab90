"""Fault conditions: begun once, ended once, seen by somebody. Never an alarm, never silent."""

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus


def began(campus: Campus, what: str, about: str, now_ms: int) -> tuple[e.TroubleBegan, ...]:
    if f"{what}:{about}" in campus.troubles:
        return ()
    return (e.TroubleBegan(at_ms=now_ms, what=what, about=about),)


def ended(campus: Campus, what: str, about: str, now_ms: int) -> tuple[e.TroubleEnded, ...]:
    if f"{what}:{about}" not in campus.troubles:
        return ()
    return (e.TroubleEnded(at_ms=now_ms, what=what, about=about),)


def report_trouble(campus: Campus, request: r.ReportTrouble) -> tuple[e.Entry, ...]:
    change = began if request.began else ended
    return change(campus, request.what, request.about, request.now_ms)


def see_trouble(campus: Campus, request: r.SeeTrouble) -> tuple[e.Entry, ...]:
    trouble = campus.troubles.get(f"{request.what}:{request.about}")
    if trouble is None:
        raise r.Refused("unknown_trouble")
    if trouble.seen_by:
        return ()
    return (e.TroubleSeen(at_ms=request.now_ms, what=request.what, about=request.about, by=request.by),)


def count_strangers(_campus: Campus, request: r.CountStrangers) -> tuple[e.Entry, ...]:
    return (
        e.StrangersRefused(at_ms=request.now_ms, cause=request.cause, count=request.count, since_ms=request.since_ms),
    )


def view_sealed(_campus: Campus, request: r.ViewSealed) -> tuple[e.Entry, ...]:
    return (e.SealedViewed(at_ms=request.now_ms, commitment=request.commitment, by=request.by),)
