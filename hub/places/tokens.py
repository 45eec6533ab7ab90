"""One-time tokens: whoever brings one makes its own key a terminal's, once.

The hub keeps of a token the SHA-256 of its secret, what the terminal is to be, and once it was used what was answered:
whoever lost the answer asks the same again. A token of an earlier time for the same name ends with a new one.
"""

import hmac
import secrets
from collections.abc import Iterator
from hashlib import sha256

import msgspec
from firstbell.jws import b64url
from firstbell_linux.enrolment import SECRET_BYTES, EnrolAnswer, EnrolRequest

from hub.dispatch.batch import Secret, Submission
from hub.dispatch.entries import TerminalRole
from hub.dispatch.requests import MakeToken, Refused, StartTest
from hub.ids import new_id
from hub.names import Text
from hub.people.keyring import Keyring

TOKEN_MS = 86_400_000
USED_MS_MIN = 3_600_000
"""For so long at least it can be asked with after its use."""
REMEMBERED_MS = 7 * 86_400_000
"""So long after its end it is told apart from one that never was."""
TOKENS_MAX = 512
"""That can still be used, at once."""
TEST_MS = 10 * 60_000
"""So long the presses of a new terminal are marked as tests."""
_DIGEST_BYTES = 32


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a terminal is to be, and where. `zone` by id or name."""

    name: Text
    zone: Text
    role: TerminalRole = "wall"
    silent: bool = False
    building: Text = ""
    floor: Text = ""
    place: Text = ""
    way: Text = ""


class Plan(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """And what stands in its settings: `address` "host:port" of the hub, or "" to look for it."""

    address: Text = ""


class Used(msgspec.Struct, frozen=True):
    request: EnrolRequest
    answer: EnrolAnswer


class KeptToken(msgspec.Struct, frozen=True):
    """Of the terminal `terminal`, made by the account `by`. `until_ms`: hub time."""

    terminal: str
    by: str
    until_ms: int
    plan: Plan
    used: Used | None = None


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogateescape")).digest()


def _kept(secret: str, token: KeptToken) -> Secret:
    return Secret(token.terminal, "token", _digest(secret) + msgspec.json.encode(token))


def _token(kept: bytes) -> KeptToken:
    return msgspec.json.decode(kept[_DIGEST_BYTES:], type=KeptToken)


def use_token(secret: str, token: KeptToken, request: EnrolRequest, answer: EnrolAnswer, now_ms: int) -> Secret:
    """What is kept of it from now on."""
    until_ms = max(token.until_ms, now_ms + USED_MS_MIN)
    return _kept(secret, msgspec.structs.replace(token, until_ms=until_ms, used=Used(request, answer)))


def begin_test(terminal: str, by: str, now_ms: int, *kept: Secret) -> Submission:
    """A new terminal is tried before anybody needs it."""
    return Submission(StartTest(now_ms=now_ms, terminal=terminal, until_ms=now_ms + TEST_MS, by=by), secrets=kept)


class Tokens:
    """As the keyring has them."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def carried(self, terminal: str, plan: Plan, by: str, now_ms: int) -> tuple[str, KeptToken]:
        """The secret, which nobody is told, and the token for a request that was carried here."""
        return b64url(secrets.token_bytes(SECRET_BYTES)), KeptToken(terminal, by, now_ms, plan)

    def make(self, plan: Plan, by: str, now_ms: int) -> tuple[str, KeptToken, Submission]:
        """The secret, the token, and what the engine is to be asked. The plan names its zone by id. Raises Refused."""
        if self._open_beside(plan.name, now_ms) >= TOKENS_MAX:
            raise Refused("too_many_tokens")
        secret = b64url(secrets.token_bytes(SECRET_BYTES))
        token = KeptToken(new_id("t"), by, now_ms + TOKEN_MS, plan)
        request = MakeToken(now_ms=now_ms, terminal=token.terminal, zone=plan.zone, until_ms=token.until_ms, by=by)
        return secret, token, Submission(request, secrets=(_kept(secret, token), *self._outworn(plan.name, now_ms)))

    def look(self, secret: str, now_ms: int) -> KeptToken:
        """What it is good for. Raises Refused: unknown_token (replaced, forgotten, never made), token_expired."""
        digest = _digest(secret)
        for kept in self._keyring.of_kind("token").values():
            if hmac.compare_digest(kept[:_DIGEST_BYTES], digest):
                token = _token(kept)
                if now_ms >= token.until_ms:
                    raise Refused("token_expired")
                return token
        raise Refused("unknown_token")

    def of(self, terminal: str) -> KeptToken | None:
        """The one that a terminal came by, or will."""
        kept = self._keyring.get(terminal, "token")
        return None if kept is None else _token(kept)

    def _open_beside(self, name: str, now_ms: int) -> int:
        """How many can still be used, but for those of this name."""
        tokens = map(_token, self._keyring.of_kind("token").values())
        return sum(t.used is None and now_ms < t.until_ms and t.plan.name != name for t in tokens)

    def _outworn(self, name: str, now_ms: int) -> Iterator[Secret]:
        """Those that a new one of this name leaves without a use, and those whose time has long been over."""
        for terminal, kept in self._keyring.of_kind("token").items():
            token = _token(kept)
            replaced = token.used is None and token.plan.name == name
            if replaced or now_ms >= token.until_ms + REMEMBERED_MS:
                yield Secret(terminal, "token", None)
