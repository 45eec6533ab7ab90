"""Accounts and pagers: what is asked of the engine when one is made, changed or removed. Decides nothing itself."""

import unicodedata
from collections.abc import Iterable

from hub.dispatch.batch import Secret, Submission
from hub.dispatch.campus import Account, Campus, Pager
from hub.dispatch.entries import Role
from hub.dispatch.requests import AddAccount, MakePager, Refused, RemoveAccount, RevokePager, SetPin
from hub.ids import new_id
from hub.names import Names, PagerDetails, PersonDetails, seal_details


def one_line(text: str) -> str:
    """A name as a person meant it, so that it is found again: composed, no outer or doubled spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def find_account(campus: Campus, names: Names, named: str) -> Account | None:
    """By id or by name; no two accounts have one name."""
    if named in campus.accounts:
        return campus.accounts[named]
    name = one_line(named)
    return next((account for account in campus.accounts.values() if names.account(account) == name), None)


def find_pager(campus: Campus, names: Names, named: str) -> Pager | None:
    """By id or by name; no two pagers have one name."""
    if named in campus.pagers:
        return campus.pagers[named]
    name = one_line(named)
    return next((pager for pager in campus.pagers.values() if names.pager(pager) == name), None)


def add_account(
    campus: Campus, names: Names, name: str, roles: Iterable[Role], zones: Iterable[str], by: str, now_ms: int
) -> tuple[str, Submission]:
    """The new account's id, and what the engine is to be asked. Zones empty: on duty for the whole campus.

    Raises Refused for an unfit name, or one that somebody has ("known_name").
    """
    if find_account(campus, names, name):
        raise Refused("known_name")
    sealed = seal_details(PersonDetails(name=one_line(name)))
    request = AddAccount(
        now_ms=now_ms,
        account=new_id("a"),
        roles=tuple(dict.fromkeys(roles)),
        zones=tuple(dict.fromkeys(zones)),
        details=sealed.commitment,
        by=by,
    )
    return request.account, Submission(request, sealed=(sealed,))


def remove_account(account: str, by: str, now_ms: int) -> Submission:
    gone = (Secret(account, "pin", None), Secret(account, "link", None))
    return Submission(RemoveAccount(now_ms=now_ms, account=account, by=by), secrets=gone)


def set_pin(account: str, kept: bytes, by: str, now_ms: int) -> Submission:
    """`kept`: what `Pins.hash` made of it."""
    return Submission(SetPin(now_ms=now_ms, account=account, by=by), secrets=(Secret(account, "pin", kept),))


def make_pager(campus: Campus, names: Names, name: str, by: str, now_ms: int) -> tuple[str, Submission]:
    """The new pager's id, and what the engine is to be asked; a link gives it its key.

    Raises Refused for an unfit name, or one that another pager has ("known_name").
    """
    if find_pager(campus, names, name):
        raise Refused("known_name")
    sealed = seal_details(PagerDetails(name=one_line(name)))
    request = MakePager(now_ms=now_ms, pager=new_id("p"), details=sealed.commitment, by=by)
    return request.pager, Submission(request, sealed=(sealed,))


def revoke_pager(pager: str, by: str, now_ms: int) -> Submission:
    gone = (Secret(pager, "pager", None), Secret(pager, "link", None))
    return Submission(RevokePager(now_ms=now_ms, pager=pager, by=by), secrets=gone)
