"""One-time tokens: one terminal, one use, a day; the answer again for whoever lost it."""

import msgspec
import pytest
from firstbell.jws import b64url
from firstbell_linux.enrolment import EnrolAnswer, EnrolRequest

from hub.dispatch.requests import MakeToken, Refused
from hub.people.keyring import Keyring
from hub.places.tokens import REMEMBERED_MS, TOKEN_MS, TOKENS_MAX, USED_MS_MIN, KeptToken, Plan, Tokens, use_token

NOW_MS = 5_000
PLAN = Plan(name="Gym", zone="z-east")
REQUEST = EnrolRequest("pi", b64url(bytes(range(32))))
ANSWER = EnrolAnswer(REQUEST.key, "settings", "ca", "vkey", None)


class Desk:
    """What is made is committed at once."""

    def __init__(self) -> None:
        self.keyring = Keyring()
        self.tokens = Tokens(self.keyring)

    def make(self, name: str = "Gym", now_ms: int = NOW_MS) -> tuple[str, KeptToken]:
        secret, token, submission = self.tokens.make(msgspec.structs.replace(PLAN, name=name), "a-admin", now_ms)
        self.keyring.keep(submission.secrets)
        return secret, token

    def use(self, secret: str, now_ms: int = NOW_MS) -> None:
        self.keyring.keep([use_token(secret, self.tokens.look(secret, now_ms), REQUEST, ANSWER, now_ms)])

    def refused(self, secret: str, now_ms: int = NOW_MS) -> str:
        with pytest.raises(Refused) as refusal:
            self.tokens.look(secret, now_ms)
        return refusal.value.reason


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_record_and_the_keyring_have_no_secret(desk: Desk) -> None:
    secret, token, submission = desk.tokens.make(PLAN, "a-admin", NOW_MS)
    made = MakeToken(now_ms=NOW_MS, terminal=token.terminal, zone="z-east", until_ms=NOW_MS + TOKEN_MS, by="a-admin")
    assert submission.request == made
    assert secret not in repr(submission) + repr(token)
    assert all(secret.encode() not in (kept.value or b"") for kept in submission.secrets)


def test_it_is_good_for_a_day(desk: Desk) -> None:
    secret, token = desk.make()
    assert desk.tokens.look(secret, NOW_MS + TOKEN_MS - 1) == token
    assert (token.plan, token.by, token.used) == (PLAN, "a-admin", None)
    assert desk.refused(secret, NOW_MS + TOKEN_MS) == "token_expired"


@pytest.mark.parametrize("secret", ["", "x", "A" * 22, "é", "\udcff", "A" * 10_000])
def test_one_that_was_never_made(desk: Desk, secret: str) -> None:
    desk.make()
    assert desk.refused(secret) == "unknown_token"


def test_what_was_answered_stays_with_it(desk: Desk) -> None:
    secret, token = desk.make()
    desk.use(secret)
    used = desk.tokens.look(secret, NOW_MS).used
    assert used is not None
    assert (used.request, used.answer) == (REQUEST, ANSWER)
    assert desk.tokens.look(secret, NOW_MS).terminal == token.terminal


def test_used_in_the_last_moment_it_can_be_asked_with_for_an_hour(desk: Desk) -> None:
    secret, _ = desk.make()
    late_ms = NOW_MS + TOKEN_MS - 1
    desk.use(secret, late_ms)
    assert desk.tokens.look(secret, late_ms + USED_MS_MIN - 1).used
    assert desk.refused(secret, late_ms + USED_MS_MIN) == "token_expired"


def test_a_new_one_for_the_name_ends_the_one_before_but_for_a_used_one(desk: Desk) -> None:
    first, second, other = desk.make()[0], desk.make()[0], desk.make("Roof")[0]
    assert desk.refused(first) == "unknown_token"
    assert desk.tokens.look(second, NOW_MS).plan.name == "Gym"
    assert desk.tokens.look(other, NOW_MS).plan.name == "Roof"
    desk.use(second)
    desk.make()
    assert desk.tokens.look(second, NOW_MS).used


def test_the_hub_forgets_it_a_week_after_its_end(desk: Desk) -> None:
    secret, _ = desk.make()
    end_ms = NOW_MS + TOKEN_MS + REMEMBERED_MS
    desk.make("Roof", end_ms - 1)
    assert desk.refused(secret, end_ms) == "token_expired"
    desk.make("Yard", end_ms)
    assert desk.refused(secret, end_ms) == "unknown_token"


def test_there_is_a_limit_and_a_new_one_for_a_name_needs_no_room(desk: Desk) -> None:
    for number in range(TOKENS_MAX):
        desk.make(str(number))
    with pytest.raises(Refused, match="too_many_tokens"):
        desk.make("one more")
    desk.make("0")


def test_what_is_used_or_over_takes_no_room(desk: Desk) -> None:
    for number in range(TOKENS_MAX):
        desk.use(desk.make(f"used {number}")[0])
    kept = [desk.make(str(number))[0] for number in range(TOKENS_MAX)]
    with pytest.raises(Refused, match="too_many_tokens"):
        desk.make("one more", NOW_MS + TOKEN_MS - 1)
    desk.make("one more", NOW_MS + TOKEN_MS)
    assert desk.refused(kept[0], NOW_MS + TOKEN_MS) == "token_expired", "and is told apart as before"
