"""Fault conditions: begun once, ended once, seen by somebody. Never an alarm, never silent.

| what | about | begins | ends |
|---|---|---|---|
| lost | terminal | its link is lost, or never came | it links |
| tamper, supply, stuck | terminal/input | it says so | it says "restored" |
| input_unknown | terminal/input | a linked terminal can't read it | it can |
| cloned | terminal | a second event at one (boot, seq) | seen |
| not_understood | terminal | it says what the hub doesn't know | seen |
| strangers | cause | messages of nobody we know were refused | seen |
| unreachable | campus | no guard is signed on at a READY pager | one is |
| restored | campus | the hub runs on a restored backup | seen |
| disk, clock, certificate, fork | campus | the hub finds it | the hub finds it gone |
"""

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus

MOMENTARY = ("cloned", "not_understood", "strangers", "restored")
"""They have no end of their own: over when somebody has seen them, so that the next one is told again."""


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
    seen = e.TroubleSeen(at_ms=request.now_ms, what=request.what, about=request.about, by=request.by)
    over = ended(campus, request.what, request.about, request.now_ms) if request.what in MOMENTARY else ()
    return (seen, *over)


def count_strangers(campus: Campus, request: r.CountStrangers) -> tuple[e.Entry, ...]:
    return (
        e.StrangersRefused(at_ms=request.now_ms, cause=request.cause, count=request.count, since_ms=request.since_ms),
        *began(campus, "strangers", request.cause, request.now_ms),
    )


def view_sealed(_campus: Campus, request: r.ViewSealed) -> tuple[e.Entry, ...]:
    return (e.SealedViewed(at_ms=request.now_ms, commitment=request.commitment, by=request.by),)
