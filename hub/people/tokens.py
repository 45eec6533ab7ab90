"""What a browser keeps in its cookies: the key of a pager, the session of a person.

A pager's key is 32 random bytes of which the hub keeps the SHA-256. A session is a signed statement of the hub's, so
that it needs no row of its own: whose it is, for what, until when. It ends with its time, with the account, with the
PIN it was opened with, or by signing out. An ended one still proves that this browser has once known the PIN. A copy
of a cookie that somebody took before the sign-out is refused in this run of the hub only.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import msgspec
from firstbell.jws import JwsError, b64url, unb64url

from hub.dispatch.batch import Secret
from hub.dispatch.campus import Campus
from hub.people.keyring import Keyring

KEY_BYTES = 32
DEVICE_BYTES = 9
SESSION_MS = 12 * 3_600_000
BOARD_SESSION_MS = 400 * 86_400_000
"""A board on a wall stays; it is refreshed whenever its screen is loaded."""
ENDED_MAX = 1_024
"""Sign-outs remembered in this run."""
TOKEN_CHARS_MAX = 512

Scope = Literal["all", "board"]


class Session(msgspec.Struct, frozen=True, array_like=True):
    """`device` names this browser for as long as it keeps its cookie; `pin` is a mark of the PIN's hash."""

    account: str
    scope: Scope
    device: str
    since_ms: int
    until_ms: int
    pin: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose browser it is. `session` None: not signed on, but `device` was once signed on as `account`."""

    account: str
    device: str
    session: Session | None


def new_pager_key(pager: str) -> tuple[str, Secret]:
    """The cookie's value, and what the hub keeps of it."""
    key = secrets.token_bytes(KEY_BYTES)
    return f"{pager}.{b64url(key)}", Secret(pager, "pager", sha256(key).digest())


def pager_of(token: str, campus: Campus, keyring: Keyring) -> str | None:
    """The pager that this cookie is the key of."""
    pager, _, key = token.partition(".")
    kept = keyring.get(pager, "pager")
    if pager not in campus.pagers or kept is None or len(token) > TOKEN_CHARS_MAX:
        return None
    try:
        given = sha256(unb64url(key)).digest()
    except JwsError:
        return None
    return pager if hmac.compare_digest(given, kept) else None


class Sessions:
    """Opens and knows sessions. The key that signs them is a secret of the campus."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._ended: dict[str, int] = {}

    def open(self, campus: Campus, account: str, scope: Scope, now_ms: int, device: str = "") -> tuple[str, Session]:
        """The cookie's value. `device`: of the Bearer that this browser was before, or "" for a new one."""
        length_ms = BOARD_SESSION_MS if scope == "board" else SESSION_MS
        device = device or b64url(secrets.token_bytes(DEVICE_BYTES))
        session = Session(account, scope, device, now_ms, now_ms + length_ms, self._pin_mark(account))
        return self._token(campus, session), session

    def bearer(self, token: str, campus: Campus, now_ms: int) -> Bearer | None:
        """Who holds this cookie; None when the hub never gave it, or the account is gone."""
        body, _, mark = token.partition(".")
        if len(token) > TOKEN_CHARS_MAX:
            return None
        try:
            payload = unb64url(body)
            genuine = hmac.compare_digest(unb64url(mark), self._sign(campus, payload))
            session = msgspec.json.decode(payload, type=Session) if genuine else None
        except (JwsError, msgspec.DecodeError):
            return None
        if session is None or session.account not in campus.accounts:
            return None
        return Bearer(session.account, session.device, session if self._holds(session, now_ms) else None)

    def end(self, campus: Campus, session: Session) -> str:
        """Signed out: this browser's sessions up to now are over. Returns its cookie's value from now on.

        The cookie says by itself that its session is over, for this run's memory of it ends with the run.
        """
        self._ended.pop(session.device, None)
        self._ended[session.device] = session.since_ms
        while len(self._ended) > ENDED_MAX:
            del self._ended[next(iter(self._ended))]
        return self._token(campus, msgspec.structs.replace(session, until_ms=session.since_ms))

    def _holds(self, session: Session, now_ms: int) -> bool:
        """A board's session was not opened with a PIN, so it outlives a change of it."""
        if not session.since_ms <= now_ms < session.until_ms:
            return False
        if self._ended.get(session.device, -1) >= session.since_ms:
            return False
        return session.scope == "board" or session.pin == self._pin_mark(session.account)

    def _token(self, campus: Campus, session: Session) -> str:
        payload = msgspec.json.encode(session)
        return f"{b64url(payload)}.{b64url(self._sign(campus, payload))}"

    def _pin_mark(self, account: str) -> str:
        return b64url(sha256(self._keyring.get(account, "pin") or b"").digest()[:DEVICE_BYTES])

    def _sign(self, campus: Campus, payload: bytes) -> bytes:
        key = self._keyring.get(campus.campus, "session")
        if key is None:
            raise KeyError(f"campus {campus.campus!r} has no key for sessions")
        return hmac.digest(key, payload, "sha256")


def new_session_key(campus: str) -> Secret:
    return Secret(campus, "session", secrets.token_bytes(KEY_BYTES))
