"""Accounts, pagers, who is on duty, folded."""

from hub.dispatch import entries as e
from hub.dispatch.campus import Account, Campus, Changes, Pager


def _account_added(campus: Campus, entry: e.AccountAdded) -> None:
    campus.accounts[entry.account] = Account(entry.account, entry.roles, entry.zones, entry.details)


def _account_removed(campus: Campus, entry: e.AccountRemoved) -> None:
    campus.accounts.pop(entry.account, None)
    for pager in campus.pagers.values():
        if pager.guard == entry.account:
            _leave(pager)


def _pager_made(campus: Campus, entry: e.PagerMade) -> None:
    campus.pagers[entry.pager] = Pager(entry.pager, entry.details)


def _pager_revoked(campus: Campus, entry: e.PagerRevoked) -> None:
    campus.pagers.pop(entry.pager, None)


def _signed_on(campus: Campus, entry: e.SignedOn) -> None:
    pager = campus.pagers.get(entry.pager)
    if pager and entry.guard in campus.accounts:
        pager.guard = entry.guard
        pager.zones = entry.zones


def _signed_off(campus: Campus, entry: e.SignedOff) -> None:
    pager = campus.pagers.get(entry.pager)
    if pager and pager.guard == entry.guard:
        _leave(pager)


def _leave(pager: Pager) -> None:
    pager.guard = None
    pager.zones = ()


def _readiness(campus: Campus, entry: e.PagerReadiness) -> None:
    if entry.pager in campus.pagers:
        campus.pagers[entry.pager].reasons = entry.reasons


CHANGES: Changes = {
    e.AccountAdded: _account_added,
    e.AccountRemoved: _account_removed,
    e.PagerMade: _pager_made,
    e.PagerRevoked: _pager_revoked,
    e.SignedOn: _signed_on,
    e.SignedOff: _signed_off,
    e.PagerReadiness: _readiness,
}
