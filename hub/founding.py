"""Makes a campus: keys, certificates, settings, database, zone, the first administrator. All of it or nothing."""

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell_linux.private_file import check_free, whole_folder, write_private
from firstbell_linux.problems import Problem

from hub.dispatch import requests as r
from hub.dispatch.asked import Answer
from hub.dispatch.batch import Batch, Submission
from hub.dispatch.campus import Campus
from hub.dispatch.engine import Engine
from hub.home import Home
from hub.ids import new_id
from hub.ledger.note import Signer
from hub.ledger.origin import EPOCH_FIRST, origin_of
from hub.ledger.store import Store, create_ledger
from hub.names import CampusDetails, Names, ZoneDetails, seal_details
from hub.people.accounts import add_account
from hub.people.links import FIRST_LINK_MS, make_link
from hub.people.roles import CONSOLE
from hub.people.tokens import new_session_key
from hub.places.authority import found as found_authority
from hub.problems import DiskError, HomeError
from hub.settings import Settings, render

ORIGIN_HOST = "firstbell.invalid"
"""Part of every log's name; no address, for a school's hub has none that outsiders reach."""


@dataclass(frozen=True, slots=True)
class Founded:
    """`vkey` is to be kept on paper. `link`: the path of the first administrator's one-time link."""

    campus: str
    vkey: str
    administrator: str
    link: str


def check_free_home(path: Path) -> None:
    """Raises HomeError when something is there already, OSError."""
    try:
        check_free(path)
    except FileExistsError as error:
        raise HomeError(Problem("home_not_empty", str(path))) from error


def found(
    path: Path, name: str, zone: str, administrator: str, settings: Settings, say: Callable[[str], str], now: datetime
) -> Founded:
    """Makes the home at `path`, beside it first and then in one step in its place.

    Raises HomeError when something is there already, Refused for an unfit name, DiskError, OSError.
    """
    check_free_home(path)
    try:
        with whole_folder(path) as beside:
            return _fill(Home(beside), name, zone, administrator, settings, say, now)
    except sqlite3.Error as error:
        raise DiskError(Problem("record_unwritable", str(path), {"reason": str(error)})) from error


def _fill(
    home: Home,
    name: str,
    zone: str,
    administrator: str,
    settings: Settings,
    say: Callable[[str], str],
    now: datetime,
) -> Founded:
    campus = new_id("c")
    found_authority(home.keys, name, settings.names, settings.addresses, now)
    key = Ed25519PrivateKey.generate()
    write_private(
        home.log_key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    base = f"{ORIGIN_HOST}/{campus}"
    vkey = Signer(origin_of(base, EPOCH_FIRST), key).vkey.text()
    write_private(home.vkey, f"{vkey}\n".encode())
    write_private(home.settings, render(settings, say).encode())
    create_ledger(home.database, base, key)
    desk = _Desk(Store(home.database, base, key))
    try:
        link = _first_entries(desk, campus, name, zone, administrator, origin_of(base, 1))
    finally:
        desk.close()
    return Founded(campus, vkey, administrator, link)


def _first_entries(desk: "_Desk", campus: str, name: str, zone: str, administrator: str, origin: str) -> str:
    """The log, the campus, its first zone and administrator. Returns the link's code."""
    details = seal_details(CampusDetails(name=name))
    zone_details = seal_details(ZoneDetails(name=zone))
    desk.ask(Submission(r.BeginLog(now_ms=0, origin=origin)))
    desk.ask(
        Submission(
            r.FoundCampus(now_ms=0, campus=campus, details=details.commitment),
            sealed=(details,),
            secrets=(new_session_key(campus),),
        )
    )
    first_zone = r.SetZone(now_ms=0, zone=new_id("z"), details=zone_details.commitment, by=CONSOLE)
    desk.ask(Submission(first_zone, sealed=(zone_details,)))
    account, added = add_account(desk.engine.decided, Names(), administrator, ("admin",), (), CONSOLE, 0)
    desk.ask(added)
    code, made = make_link(account, "pin", CONSOLE, 0, FIRST_LINK_MS)
    desk.ask(made)
    return code


class _Desk:
    """An engine without a loop: each question is committed before the next, at hub time 0."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Batch] = deque()
        self.engine = Engine(Campus(), 0, self, lambda _digest, told: told(False), lambda: 0)

    def submit(self, batch: Batch) -> None:
        self._waiting.append(batch)

    def start(self, on_commit: object, on_error: object) -> None:
        """Nothing runs by itself here."""

    def ask(self, submission: Submission) -> None:
        """Raises Refused."""
        answers: list[Answer] = []
        self.engine.submit(submission, answers.append)
        self.engine.step(0)
        while self._waiting:
            self.engine.committed(self._store.commit([self._waiting.popleft()]))
            self.engine.step(0)
        if answers[0].refused:
            raise r.Refused(answers[0].refused)

    def close(self) -> None:
        self._store.close()
