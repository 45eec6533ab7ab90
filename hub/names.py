"""What people and places are called: the sealed texts behind the commitments that the campus holds.

Only details (names, places) are kept here; notes stay in the database until somebody with the right asks.
"""

import secrets
from collections.abc import Iterable
from typing import Annotated

import msgspec
from firstbell_linux.parsing import is_name
from msgspec import Meta

from hub.dispatch.batch import Sealed
from hub.dispatch.campus import Account, Campus, Pager, Terminal, Zone
from hub.dispatch.requests import Refused
from hub.ledger.sealed import SALT_BYTES, seal

DETAILS_DOMAINS = {noun: f"firstbell/{noun}-details/v1" for noun in ("campus", "zone", "terminal", "account", "pager")}
Text = Annotated[str, Meta(max_length=200)]
"""As it comes in, before it is made fit; a longer one is not even looked at."""
TEXT_CHARS_MAX = 36
"""A place of 36 characters still fits a pager's screen in three lines; nothing is ever cut with an ellipsis."""


class CampusDetails(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    guard_room_phone: str = ""
    zone_minutes: int = 480


class ZoneDetails(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class TerminalDetails(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    building: str = ""
    floor: str = ""
    place: str = ""
    way: str = ""


class PersonDetails(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class PagerDetails(msgspec.Struct, frozen=True, kw_only=True):
    name: str


Details = CampusDetails | ZoneDetails | TerminalDetails | PersonDetails | PagerDetails

_TYPES: dict[str, type[Details]] = {
    DETAILS_DOMAINS["campus"]: CampusDetails,
    DETAILS_DOMAINS["zone"]: ZoneDetails,
    DETAILS_DOMAINS["terminal"]: TerminalDetails,
    DETAILS_DOMAINS["account"]: PersonDetails,
    DETAILS_DOMAINS["pager"]: PagerDetails,
}
_DOMAINS = {kind: domain for domain, kind in _TYPES.items()}


def check_details(details: Details) -> None:
    """Raises Refused for a name that is empty, or a text that no screen can show whole."""
    for field in msgspec.structs.fields(details):
        text = getattr(details, field.name)
        if isinstance(text, str) and (len(text) > TEXT_CHARS_MAX or not text.isprintable()):
            raise Refused("bad_text")
    if not is_name(details.name):
        raise Refused("bad_text")


def seal_details(details: Details) -> Sealed:
    """The sealed text of these details. Raises Refused."""
    check_details(details)
    text = msgspec.json.encode(details).decode()
    return seal(_DOMAINS[type(details)], text, secrets.token_bytes(SALT_BYTES))


class Names:
    """Commitment → details. What is missing or unreadable is called by its id."""

    def __init__(self, sealed: Iterable[Sealed] = ()) -> None:
        self._details: dict[str, Details] = {}
        self.add(sealed)

    def add(self, sealed: Iterable[Sealed]) -> None:
        for one in sealed:
            kind = _TYPES.get(one.domain)
            if kind is None:
                continue
            try:
                self._details[one.commitment] = msgspec.json.decode(one.text, type=kind)
            except msgspec.DecodeError:
                continue

    def campus(self, campus: Campus) -> CampusDetails:
        found = self._details.get(campus.details)
        return found if isinstance(found, CampusDetails) else CampusDetails(name=campus.campus)

    def zone(self, zone: Zone) -> str:
        found = self._details.get(zone.details)
        return found.name if isinstance(found, ZoneDetails) else zone.zone

    def terminal(self, terminal: Terminal) -> TerminalDetails:
        found = self._details.get(terminal.details)
        return found if isinstance(found, TerminalDetails) else TerminalDetails(name=terminal.terminal)

    def account(self, account: Account) -> str:
        found = self._details.get(account.details)
        return found.name if isinstance(found, PersonDetails) else account.account

    def pager(self, pager: Pager) -> str:
        found = self._details.get(pager.details)
        return found.name if isinstance(found, PagerDetails) else pager.pager

    def person(self, campus: Campus, account: str) -> str:
        found = campus.accounts.get(account)
        return self.account(found) if found else account
