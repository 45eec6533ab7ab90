"""What browsers keep: pagers' keys and sessions; which are believed, and until when."""

import msgspec
import pytest
from firstbell.jws import b64url, unb64url
from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.batch import Secret
from hub.dispatch.campus import Account, Campus, Pager
from hub.people.keyring import Keyring
from hub.people.tokens import (
    BOARD_SESSION_MS,
    ENDED_MAX,
    SESSION_MS,
    Scope,
    Sessions,
    new_pager_key,
    new_session_key,
    pager_of,
)

NOW_MS = 1_000_000
PAGER, ACCOUNT = "p-aaaaaaaaaa", "a-aaaaaaaaaa"


@pytest.fixture
def campus() -> Campus:
    return Campus(
        campus="c-aaaaaaaaaa",
        accounts={ACCOUNT: Account(ACCOUNT, ("admin",), (), ""), "a-b": Account("a-b", ("guard",), (), "")},
        pagers={PAGER: Pager(PAGER, ""), "p-b": Pager("p-b", "")},
    )


@pytest.fixture
def keyring() -> Keyring:
    keyring = Keyring()
    keyring.keep([new_session_key("c-aaaaaaaaaa"), Secret(ACCOUNT, "pin", b"first"), Secret("a-b", "pin", b"other")])
    return keyring


def test_a_pagers_key_opens_that_pager_only(campus: Campus, keyring: Keyring) -> None:
    token, secret = new_pager_key(PAGER)
    assert pager_of(token, campus, keyring) is None
    keyring.keep([secret])
    assert pager_of(token, campus, keyring) == PAGER
    key = token.partition(".")[2]
    for wrong in (f"p-b.{key}", f"{PAGER}.{key[:-2]}", f"{PAGER}.", PAGER, "", f"{PAGER}.{'é' * 43}", "." * 600):
        assert pager_of(wrong, campus, keyring) is None
    assert key not in repr(secret)
    assert secret.value != unb64url(key), "the key itself is not kept"


def test_a_revoked_pager_has_no_key(campus: Campus, keyring: Keyring) -> None:
    token, secret = new_pager_key(PAGER)
    keyring.keep([secret])
    del campus.pagers[PAGER]
    assert pager_of(token, campus, keyring) is None
    campus.pagers[PAGER] = Pager(PAGER, "")
    keyring.keep([Secret(PAGER, "pager", None)])
    assert pager_of(token, campus, keyring) is None


def test_a_new_key_ends_the_one_before(campus: Campus, keyring: Keyring) -> None:
    (old, first), (new, second) = new_pager_key(PAGER), new_pager_key(PAGER)
    keyring.keep([first])
    keyring.keep([second])
    assert pager_of(old, campus, keyring) is None
    assert pager_of(new, campus, keyring) == PAGER


@pytest.mark.parametrize(("scope", "length_ms"), [("all", SESSION_MS), ("board", BOARD_SESSION_MS)])
def test_a_session_ends_with_its_time(campus: Campus, keyring: Keyring, scope: Scope, length_ms: int) -> None:
    sessions = Sessions(keyring)
    token, session = sessions.open(campus, ACCOUNT, scope, NOW_MS)
    for now_ms, holds in ((NOW_MS, True), (NOW_MS + length_ms - 1, True), (NOW_MS + length_ms, False)):
        bearer = sessions.bearer(token, campus, now_ms)
        assert bearer is not None, "this browser has known the PIN, whatever the time"
        assert (bearer.account, bearer.device) == (ACCOUNT, session.device)
        assert bearer.session == (session if holds else None)


def test_another_pin_ends_sessions_and_leaves_boards(campus: Campus, keyring: Keyring) -> None:
    sessions = Sessions(keyring)
    full, _ = sessions.open(campus, ACCOUNT, "all", NOW_MS)
    board, _ = sessions.open(campus, ACCOUNT, "board", NOW_MS)
    keyring.keep([Secret(ACCOUNT, "pin", b"second")])
    held = [sessions.bearer(token, campus, NOW_MS) for token in (full, board)]
    assert [bearer is not None and bearer.session is not None for bearer in held] == [False, True]


def test_nothing_is_left_of_an_account_that_is_gone(campus: Campus, keyring: Keyring) -> None:
    sessions = Sessions(keyring)
    tokens = [sessions.open(campus, ACCOUNT, scope, NOW_MS)[0] for scope in ("all", "board")]
    del campus.accounts[ACCOUNT]
    assert [sessions.bearer(token, campus, NOW_MS) for token in tokens] == [None, None]


def test_signing_out_ends_it_here_and_not_elsewhere(campus: Campus, keyring: Keyring) -> None:
    sessions = Sessions(keyring)
    here, session = sessions.open(campus, ACCOUNT, "all", NOW_MS)
    elsewhere, _ = sessions.open(campus, ACCOUNT, "all", NOW_MS)
    sessions.end(campus, session)
    bearer = sessions.bearer(here, campus, NOW_MS + 1)
    assert bearer is not None
    assert bearer.session is None
    other = sessions.bearer(elsewhere, campus, NOW_MS + 1)
    assert other is not None
    assert other.session is not None
    again, _ = sessions.open(campus, ACCOUNT, "all", NOW_MS + 1, bearer.device)
    back = sessions.bearer(again, campus, NOW_MS + 1)
    assert back is not None
    assert back.session is not None
    assert back.device == session.device


def test_signing_out_outlives_the_hub(campus: Campus, keyring: Keyring) -> None:
    """What this browser keeps from then on opens nothing after a restart, and still says that it knew the PIN."""
    sessions = Sessions(keyring)
    for scope in ("all", "board"):
        _, session = sessions.open(campus, ACCOUNT, scope, NOW_MS)
        kept = sessions.end(campus, session)
        for after in (sessions, Sessions(keyring)):
            bearer = after.bearer(kept, campus, NOW_MS)
            assert bearer is not None
            assert (bearer.account, bearer.device, bearer.session) == (ACCOUNT, session.device, None)


def test_sign_outs_are_remembered_within_bounds(campus: Campus, keyring: Keyring) -> None:
    sessions = Sessions(keyring)
    for _ in range(ENDED_MAX + 10):
        sessions.end(campus, sessions.open(campus, ACCOUNT, "all", NOW_MS)[1])
    assert len(sessions._ended) == ENDED_MAX


@given(st.data())
def test_no_changed_token_is_believed(data: st.DataObject) -> None:
    keyring = Keyring()
    keyring.keep([new_session_key("c-a"), Secret("a-b", "pin", b"x")])
    campus = Campus(campus="c-a", accounts={name: Account(name, (), (), "") for name in ("a-b", "a-c")})
    sessions = Sessions(keyring)
    token, session = sessions.open(campus, "a-b", "board", NOW_MS)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_.é"))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        assert sessions.bearer(changed, campus, NOW_MS) is None
    forged = msgspec.json.encode(msgspec.structs.replace(session, account="a-c", scope="all"))
    assert sessions.bearer(f"{b64url(forged)}.{token.partition('.')[2]}", campus, NOW_MS) is None


def test_another_campus_signs_otherwise(campus: Campus, keyring: Keyring) -> None:
    token, _ = Sessions(keyring).open(campus, ACCOUNT, "all", NOW_MS)
    other = Keyring()
    other.keep([new_session_key("c-aaaaaaaaaa")])
    assert Sessions(other).bearer(token, campus, NOW_MS) is None
