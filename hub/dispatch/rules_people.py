"""Accounts, pagers, who is on duty, and what a pager says of itself."""

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.calls import call_next, call_too, waited_for
from hub.dispatch.campus import OPEN, RESPONDING, Campus, Incident, Pager

BATTERY_PERCENT_MIN = 20
"""Below it, and not charging, a pager is NOT READY."""


def add_account(campus: Campus, request: r.AddAccount) -> tuple[e.Entry, ...]:
    if request.account in campus.accounts:
        raise r.Refused("known_account")
    if not request.roles:
        raise r.Refused("no_role")
    _check_zones(campus, request.zones)
    return (
        e.AccountAdded(
            at_ms=request.now_ms,
            account=request.account,
            roles=request.roles,
            zones=request.zones,
            details=request.details,
            by=request.by,
        ),
    )


def remove_account(campus: Campus, request: r.RemoveAccount) -> tuple[e.Entry, ...]:
    """Somebody is left to administrate."""
    if request.account not in campus.accounts:
        raise r.Refused("unknown_account")
    if {a.account for a in campus.accounts.values() if "admin" in a.roles} == {request.account}:
        raise r.Refused("last_admin")
    _check_free(campus, request.account)
    signed_off = tuple(
        e.SignedOff(at_ms=request.now_ms, guard=request.account, pager=pager.pager, by=request.by)
        for pager in campus.pagers.values()
        if pager.guard == request.account
    )
    return (*signed_off, e.AccountRemoved(at_ms=request.now_ms, account=request.account, by=request.by))


def set_pin(campus: Campus, request: r.SetPin) -> tuple[e.Entry, ...]:
    if request.account not in campus.accounts:
        raise r.Refused("unknown_account")
    return (e.PinSet(at_ms=request.now_ms, account=request.account, by=request.by),)


def make_pager(campus: Campus, request: r.MakePager) -> tuple[e.Entry, ...]:
    if request.pager in campus.pagers:
        raise r.Refused("known_pager")
    return (e.PagerMade(at_ms=request.now_ms, pager=request.pager, details=request.details, by=request.by),)


def make_link(campus: Campus, request: r.MakeLink) -> tuple[e.Entry, ...]:
    _check_owner(campus, request.owner)
    return (e.LinkMade(at_ms=request.now_ms, owner=request.owner, until_ms=request.until_ms, by=request.by),)


def give_key(campus: Campus, request: r.GiveKey) -> tuple[e.Entry, ...]:
    _check_owner(campus, request.owner)
    return (e.KeyGiven(at_ms=request.now_ms, owner=request.owner),)


def _check_owner(campus: Campus, owner: str) -> None:
    if owner not in campus.pagers and owner not in campus.accounts:
        raise r.Refused("unknown_owner")


def revoke_pager(campus: Campus, request: r.RevokePager) -> tuple[e.Entry, ...]:
    pager = _pager(campus, request.pager)
    revoked = e.PagerRevoked(at_ms=request.now_ms, pager=pager.pager, by=request.by)
    if pager.guard is None:
        return (revoked,)
    signed_off = e.SignedOff(at_ms=request.now_ms, guard=pager.guard, pager=pager.pager, by=request.by)
    return (signed_off, revoked)


def sign_on(campus: Campus, request: r.SignOn) -> tuple[e.Entry, ...]:
    """Whoever else was signed on at this pager is signed off. Who signs on into a call is called too."""
    pager = _pager(campus, request.pager)
    account = campus.accounts.get(request.guard)
    if account is None or "guard" not in account.roles:
        raise r.Refused("unknown_guard")
    zones = request.zones or account.zones or tuple(campus.zones)
    _check_zones(campus, zones)
    if pager.guard == request.guard and pager.zones == zones:
        return ()
    entries: list[e.Entry] = []
    if pager.guard and pager.guard != request.guard:
        _check_free_elsewhere(campus, pager)
        entries.append(e.SignedOff(at_ms=request.now_ms, guard=pager.guard, pager=pager.pager, by=request.guard))
    entries.append(e.SignedOn(at_ms=request.now_ms, guard=request.guard, pager=pager.pager, zones=zones))
    for incident in campus.incidents.values():
        mine = incident.assignments.get(request.guard)
        not_asked = mine is None or mine.state == "cleared"
        if incident.calling and not_asked and _covers(campus, incident, zones):
            entries.append(call_too(campus, incident, request.guard, request.now_ms))
    return tuple(entries)


def _covers(campus: Campus, incident: Incident, zones: tuple[str, ...]) -> bool:
    tiers = campus.zones[incident.zone].tiers
    return incident.zone in zones or any(name != "zone" for name in tiers[: incident.tier + 1])


def sign_off(campus: Campus, request: r.SignOff) -> tuple[e.Entry, ...]:
    """A responder can't leave like that. A call that nobody is left to answer goes on by its deadline."""
    pager = _pager(campus, request.pager)
    if pager.guard is None:
        return ()
    _check_free_elsewhere(campus, pager)
    return (e.SignedOff(at_ms=request.now_ms, guard=pager.guard, pager=pager.pager, by=request.by),)


def _check_free_elsewhere(campus: Campus, pager: Pager) -> None:
    """Raises Refused for a responder whose last pager this is."""
    if pager.guard and not any(p.guard == pager.guard for p in campus.pagers.values() if p is not pager):
        _check_free(campus, pager.guard)


def _check_free(campus: Campus, guard: str) -> None:
    for incident in campus.incidents.values():
        mine = incident.assignments.get(guard)
        if mine and mine.state in RESPONDING:
            raise r.Refused("responding")


def hear_pager(campus: Campus, request: r.HearPager) -> tuple[e.Entry, ...]:
    """READY or NOT READY at each change; delivered, seen, ringing once for each page."""
    pager = _pager(campus, request.pager)
    entries: list[e.Entry] = []
    reasons = _reasons(request)
    if reasons != pager.reasons:
        entries.append(e.PagerReadiness(at_ms=request.now_ms, pager=pager.pager, reasons=reasons))
    if pager.guard:
        for incident in campus.incidents.values():
            entries += _progress(campus, incident, pager.guard, request)
    return tuple(entries)


def _reasons(request: r.HearPager) -> tuple[e.Reason, ...]:
    low = request.battery_percent is not None and request.battery_percent < BATTERY_PERCENT_MIN
    checks: tuple[tuple[e.Reason, bool], ...] = (
        ("sound", request.sound != "running"),
        ("screen", not request.visible or not request.awake),
        ("battery", low and request.charging is not True),
    )
    return tuple(reason for reason, wrong in checks if wrong)


def _progress(campus: Campus, incident: Incident, guard: str, request: r.HearPager) -> list[e.PageProgressed]:
    mine = incident.assignments.get(guard)
    if mine is None or mine.state not in OPEN:
        return []
    name = incident.incident
    steps: list[tuple[e.Progress, int | None]] = []
    if mine.state == "paged" and (name in request.have or name in request.seen):
        due_ms = request.now_ms + campus.zones[incident.zone].deadlines.accepted_ms
        # The last tier is called again as a whole: its pages have no deadlines of their own.
        steps.append(("delivered", due_ms if incident.calling and incident.repeat_ms is None else None))
    if mine.state != "seen" and name in request.seen:
        steps.append(("seen", None))
    if not mine.ringing and name in request.ringing:
        steps.append(("ringing", None))
    return [
        e.PageProgressed(at_ms=request.now_ms, incident=name, guard=guard, pager=request.pager, to=to, due_ms=due_ms)
        for to, due_ms in steps
    ]


def lose_pager(campus: Campus, request: r.LosePager) -> tuple[e.Entry, ...]:
    """If with it the last of those is gone who could answer a call, the next tier is called at once."""
    pager = campus.pagers.get(request.pager)
    if pager is None or pager.reasons == ("link",):
        return ()
    readiness = e.PagerReadiness(at_ms=request.now_ms, pager=pager.pager, reasons=("link",))
    if pager.guard is None:
        return (readiness,)
    linked = {p.guard for p in campus.pagers.values() if p is not pager and "link" not in p.reasons}
    lapsed: list[e.Entry] = []
    for incident in campus.incidents.values():
        pages = waited_for(incident)
        if any(page.guard == pager.guard for page in pages) and not any(page.guard in linked for page in pages):
            lapsed += [e.PageLapsed(at_ms=request.now_ms, incident=incident.incident, guard=p.guard) for p in pages]
            lapsed += call_next(campus, incident, "lost", request.now_ms)
    return (readiness, *lapsed)


def _pager(campus: Campus, pager: str) -> Pager:
    found = campus.pagers.get(pager)
    if found is None:
        raise r.Refused("unknown_pager")
    return found


def _check_zones(campus: Campus, zones: tuple[str, ...]) -> None:
    if not set(zones) <= campus.zones.keys():
        raise r.Refused("unknown_zone")
