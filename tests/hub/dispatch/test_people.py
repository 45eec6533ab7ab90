"""Accounts, pagers, signing on and off, and what a pager says of itself."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.fold import apply
from tests.hub.dispatch.duty import CHIEF, EAST, WALL, WEST, Duty, kinds, one


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li")
    return duty


# ── READY ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ({}, ()),
        ({"sound": "unarmed"}, ("sound",)),
        ({"sound": "suspended"}, ("sound",)),
        ({"visible": False}, ("screen",)),
        ({"awake": False}, ("screen",)),
        ({"battery_percent": 19}, ("battery",)),
        ({"battery_percent": 20}, ()),
        ({"battery_percent": 19, "charging": True}, ()),
        ({"battery_percent": 19, "charging": None}, ("battery",)),
        ({"battery_percent": None, "charging": None}, ()),
        ({"sound": "unarmed", "visible": False, "battery_percent": 1}, ("sound", "screen", "battery")),
    ],
)
def test_ready_or_why_not(duty: Duty, said: dict[str, object], reasons: tuple[e.Reason, ...]) -> None:
    duty.do(r.LosePager, pager="p-li")
    assert one(duty.hear("p-li", **said), e.PagerReadiness).reasons == reasons
    assert duty.hear("p-li", **said) == ()
    assert duty.campus.pagers["p-li"].reasons == reasons


def test_a_lost_pager_is_not_ready_once(duty: Duty) -> None:
    assert one(duty.do(r.LosePager, pager="p-li"), e.PagerReadiness).reasons == ("link",)
    assert duty.do(r.LosePager, pager="p-li") == ()
    assert duty.do(r.LosePager, pager="p-nowhere") == ()


def test_a_pager_with_nobody_signed_on_says_the_same(duty: Duty) -> None:
    duty.pager("p-desk")
    duty.press()
    assert kinds(duty.hear("p-desk")) == ["PagerReadiness"]
    assert kinds(duty.do(r.LosePager, pager="p-desk")) == ["PagerReadiness"]


def test_an_unknown_pager_is_refused(duty: Duty) -> None:
    with pytest.raises(r.Refused, match="unknown_pager"):
        duty.hear("p-nowhere")


# ── delivered, seen, ringing ────────────────────────────────────────────────────────────────────────────────


def test_each_step_of_a_page_is_told_once(duty: Duty) -> None:
    incident = duty.press()
    name = (incident.incident,)
    assert one(duty.hear("p-li", have=name), e.PageProgressed).to == "delivered"
    assert duty.hear("p-li", have=name) == ()
    assert one(duty.hear("p-li", have=name, ringing=name), e.PageProgressed).to == "ringing"
    assert one(duty.hear("p-li", have=name, ringing=name, seen=name), e.PageProgressed).to == "seen"
    assert duty.hear("p-li", have=name, ringing=name, seen=name) == ()
    assert duty.hear("p-li", have=name) == ()
    page = incident.assignments["a-li"]
    assert (page.state, page.ringing) == ("seen", True)


def test_what_is_seen_was_delivered(duty: Duty) -> None:
    incident = duty.press()
    steps = duty.hear("p-li", seen=(incident.incident,))
    assert [step.to for step in steps if isinstance(step, e.PageProgressed)] == ["delivered", "seen"]


def test_a_page_is_not_told_of_twice_by_two_pagers(duty: Duty) -> None:
    duty.pager("p-desk")
    duty.do(r.SignOn, guard="a-li", pager="p-desk")
    duty.hear("p-desk")
    name = (duty.press().incident,)
    assert one(duty.hear("p-desk", have=name), e.PageProgressed).pager == "p-desk"
    assert duty.hear("p-li", have=name) == ()


def test_what_concerns_nobody_here_is_no_progress(duty: Duty) -> None:
    duty.guard("west", zone=WEST)
    incident = duty.press()
    assert duty.hear("p-west", have=(incident.incident,)) == ()
    assert duty.hear("p-li", have=("i-nothing",)) == ()
    duty.command("accept", incident, "a-li")
    assert duty.hear("p-li", have=(incident.incident,)) == ()


# ── signing on and off ──────────────────────────────────────────────────────────────────────────────────────


def test_signing_on_for_the_zones_of_the_account_of_the_request_or_for_all(duty: Duty) -> None:
    duty.pager("p-desk")
    assert one(duty.do(r.SignOn, guard="a-li", pager="p-desk"), e.SignedOn).zones == (EAST,)
    assert one(duty.do(r.SignOn, guard="a-li", pager="p-desk", zones=(WEST,)), e.SignedOn).zones == (WEST,)
    duty.do(r.AddAccount, account="a-all", roles=("guard",), zones=(), details="", by=CHIEF)
    assert one(duty.do(r.SignOn, guard="a-all", pager="p-desk"), e.SignedOn).zones == (EAST, WEST)


def test_signing_on_twice_changes_nothing(duty: Duty) -> None:
    assert duty.do(r.SignOn, guard="a-li", pager="p-li") == ()


def test_whoever_was_signed_on_there_is_signed_off(duty: Duty) -> None:
    wang = duty.guard("wang")
    off, on = duty.do(r.SignOn, guard=wang, pager="p-li")
    assert isinstance(off, e.SignedOff)
    assert isinstance(on, e.SignedOn)
    assert (off.guard, off.by, on.guard) == ("a-li", wang, wang)
    assert duty.campus.pagers["p-li"].guard == wang


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"guard": "a-nobody"}, "unknown_guard"),
        ({"guard": CHIEF}, "unknown_guard"),
        ({"pager": "p-nowhere"}, "unknown_pager"),
        ({"zones": ("z-nowhere",)}, "unknown_zone"),
    ],
)
def test_signing_on_needs_a_guard_a_pager_and_zones(duty: Duty, said: dict[str, object], reason: str) -> None:
    assert duty.refused(r.SignOn, **{"guard": "a-li", "pager": "p-li", **said}) == reason


def test_signing_off(duty: Duty) -> None:
    assert one(duty.do(r.SignOff, pager="p-li", by="a-li"), e.SignedOff).guard == "a-li"
    assert (duty.campus.pagers["p-li"].guard, duty.campus.pagers["p-li"].zones) == (None, ())
    assert duty.do(r.SignOff, pager="p-li", by="a-li") == ()


def test_a_responder_stays_until_released(duty: Duty) -> None:
    wang = duty.guard("wang")
    incident = duty.accepted("a-li")
    assert duty.refused(r.SignOff, pager="p-li", by="a-li") == "responding"
    assert duty.refused(r.SignOn, guard=wang, pager="p-li") == "responding"
    assert duty.refused(r.RemoveAccount, account="a-li", by=CHIEF) == "responding"
    duty.pager("p-desk")
    duty.do(r.SignOn, guard="a-li", pager="p-desk")
    duty.do(r.SignOff, pager="p-li", by="a-li")
    assert duty.refused(r.SignOff, pager="p-desk", by="a-li") == "responding"
    duty.command("release", incident, "a-li", by="p-desk")
    duty.do(r.SignOff, pager="p-desk", by="a-li")


def test_revoking_a_pager_signs_off_whoever_responds_too(duty: Duty) -> None:
    """A stolen phone goes at once; the deadlines of its guard run on."""
    incident = duty.accepted("a-li")
    assert kinds(duty.do(r.RevokePager, pager="p-li", by=CHIEF)) == ["SignedOff", "PagerRevoked"]
    assert incident.assignments["a-li"].due_ms is not None
    duty.pager("p-desk")
    assert kinds(duty.do(r.RevokePager, pager="p-desk", by=CHIEF)) == ["PagerRevoked"]
    assert duty.refused(r.RevokePager, pager="p-desk", by=CHIEF) == "unknown_pager"


def test_removing_an_account_signs_it_off_everywhere(duty: Duty) -> None:
    duty.pager("p-desk")
    duty.do(r.SignOn, guard="a-li", pager="p-desk")
    removed = duty.do(r.RemoveAccount, account="a-li", by=CHIEF)
    assert kinds(removed) == ["SignedOff", "SignedOff", "AccountRemoved"]
    assert {pager.guard for pager in duty.campus.pagers.values()} == {None}
    assert "a-li" not in duty.campus.accounts


def test_somebody_is_left_to_administrate(duty: Duty) -> None:
    assert duty.refused(r.RemoveAccount, account=CHIEF, by=CHIEF) == "last_admin"
    duty.do(r.AddAccount, account="a-next", roles=("admin",), zones=(), details="", by=CHIEF)
    assert kinds(duty.do(r.RemoveAccount, account=CHIEF, by=CHIEF)) == ["AccountRemoved"]
    assert duty.refused(r.RemoveAccount, account="a-next", by="a-next") == "last_admin"


def test_who_signed_on_before_the_removal_was_on_the_disk_is_signed_off_with_it(duty: Duty) -> None:
    apply(duty.campus, e.AccountRemoved(at_ms=duty.now_ms, account="a-li", by=CHIEF))
    assert duty.campus.pagers["p-li"].guard is None


# ── accounts, pagers, links ─────────────────────────────────────────────────────────────────────────────────


def test_accounts_pagers_pins_links(duty: Duty) -> None:
    assert kinds(duty.do(r.SetPin, account="a-li", by=CHIEF)) == ["PinSet"]
    for owner in ("a-li", "p-li"):
        assert one(duty.do(r.MakeLink, owner=owner, until_ms=9, by=CHIEF), e.LinkMade).owner == owner
        assert one(duty.do(r.GiveKey, owner=owner), e.KeyGiven).owner == owner


@pytest.mark.parametrize(
    ("kind", "said", "reason"),
    [
        (r.AddAccount, {"account": "a-li", "roles": ("guard",), "zones": (), "details": ""}, "known_account"),
        (r.AddAccount, {"account": "a-new", "roles": (), "zones": (), "details": ""}, "no_role"),
        (r.AddAccount, {"account": "a-new", "roles": ("guard",), "zones": ("z-x",), "details": ""}, "unknown_zone"),
        (r.RemoveAccount, {"account": "a-nobody"}, "unknown_account"),
        (r.SetPin, {"account": "a-nobody"}, "unknown_account"),
        (r.MakePager, {"pager": "p-li", "details": ""}, "known_pager"),
        (r.MakeLink, {"owner": WALL, "until_ms": 9}, "unknown_owner"),
        (r.SignOff, {"pager": "p-nowhere"}, "unknown_pager"),
    ],
)
def test_what_makes_no_sense_is_refused(
    duty: Duty, kind: type[r.Request], said: dict[str, object], reason: str
) -> None:
    before = list(duty.ledger)
    assert duty.refused(kind, **said, by=CHIEF) == reason
    assert duty.ledger == before


def test_a_key_is_given_to_somebody_known(duty: Duty) -> None:
    assert duty.refused(r.GiveKey, owner="a-nobody") == "unknown_owner"
