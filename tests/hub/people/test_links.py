"""One-time links: good for one thing, once, for a while."""

import pytest

from hub.dispatch.batch import Secret
from hub.dispatch.requests import GiveKey, MakeLink, Refused
from hub.people.keyring import Keyring
from hub.people.links import LINK_MS, Link, Links, Use, make_link, open_link

NOW_MS = 5_000
PAGER = "p-aaaaaaaaaa"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring()


def made(keyring: Keyring, owner: str = PAGER, use: Use = "pager", now_ms: int = NOW_MS) -> str:
    code, submission = make_link(owner, use, "a-admin", now_ms)
    keyring.keep(submission.secrets)
    return code


@pytest.mark.parametrize("use", ["pager", "pin", "board"])
def test_it_says_what_it_is_good_for(keyring: Keyring, use: Use) -> None:
    code = made(keyring, PAGER, use)
    assert Links(keyring).look(code, NOW_MS) == Link(PAGER, use, NOW_MS + LINK_MS)


def test_the_record_says_who_made_it_and_not_the_code() -> None:
    code, submission = make_link(PAGER, "pager", "a-admin", NOW_MS)
    assert submission.request == MakeLink(now_ms=NOW_MS, owner=PAGER, until_ms=NOW_MS + LINK_MS, by="a-admin")
    assert code not in repr(submission)
    assert all(code.encode() not in (secret.value or b"") for secret in submission.secrets)


def test_looking_uses_nothing_up_and_opening_does(keyring: Keyring) -> None:
    links, code = Links(keyring), made(keyring)
    for _ in range(3):
        links.look(code, NOW_MS)
    with links.opening(code, NOW_MS) as link:
        submission = open_link(link, NOW_MS, (Secret(PAGER, "pager", b"key"),))
    assert submission.request == GiveKey(now_ms=NOW_MS, owner=PAGER)
    keyring.keep(submission.secrets)
    assert keyring.get(PAGER, "pager") == b"key"
    with pytest.raises(Refused, match="link_spent"), links.opening(code, NOW_MS):
        pass


def test_two_cannot_open_it_at_once(keyring: Keyring) -> None:
    links, code = Links(keyring), made(keyring)
    with links.opening(code, NOW_MS), pytest.raises(Refused, match="link_spent"), links.opening(code, NOW_MS):
        pass
    with links.opening(code, NOW_MS) as link:
        assert link.owner == PAGER, "what failed the first time may be tried again"


def test_it_ends_with_its_time(keyring: Keyring) -> None:
    links, code = Links(keyring), made(keyring)
    links.look(code, NOW_MS + LINK_MS - 1)
    with pytest.raises(Refused, match="link_spent"):
        links.look(code, NOW_MS + LINK_MS)


def test_a_new_one_ends_the_one_before(keyring: Keyring) -> None:
    links = Links(keyring)
    first, second = made(keyring), made(keyring)
    with pytest.raises(Refused, match="link_spent"):
        links.look(first, NOW_MS)
    assert links.look(second, NOW_MS).owner == PAGER


def test_owners_do_not_mix(keyring: Keyring) -> None:
    links = Links(keyring)
    codes = {made(keyring, owner): owner for owner in ("p-a", "p-b", "a-c")}
    assert {code: links.look(code, NOW_MS).owner for code in codes} == codes


@pytest.mark.parametrize("code", ["", "x", "A" * 43, "é" * 43, "A" * 10_000])
def test_a_made_up_code_is_spent(keyring: Keyring, code: str) -> None:
    made(keyring)
    with pytest.raises(Refused, match="link_spent"):
        Links(keyring).look(code, NOW_MS)
