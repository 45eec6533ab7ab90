"""A node's next program: who may get one, how far it is, how often it is offered, and when that is over."""

from typing import get_args

import pytest
from firstbell.messages import RESULTS

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.rules_update import ATTEMPTS_MAX, UNDER_WAY, is_under_way, needed_programs, went_back
from tests.hub.dispatch.duty import CHIEF, EAST, Duty, digest_of, one, replay

NODE, PI = "t-node", "t-pi"
OLD, NEW = "0.1.0+aaaaaaaa", "0.2.0+bbbbbbbb"
DIGEST = digest_of("new")
ORDER = {"terminal": NODE, "version": NEW, "size": 9, "digest": DIGEST, "by": CHIEF}


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    enrolled = {"zone": EAST, "role": "wall", "key": "", "inputs": {"panic": "panic"}, "silent": False, "details": ""}
    for terminal, algorithm in ((NODE, "HS256"), (PI, "EdDSA")):
        duty.do(r.EnrolTerminal, terminal=terminal, algorithm=algorithm, by=CHIEF, **enrolled)
    return duty


def hello(duty: Duty, software: str = OLD, tried: str | None = "") -> tuple[e.Entry, ...]:
    return duty.do(r.HearSoftware, terminal=NODE, software=software, tried=tried)


def progress(duty: Duty, *states: str, digest: str = DIGEST) -> str:
    """How far it is then."""
    for to in states:
        duty.do(r.ProgressUpdate, terminal=NODE, digest=digest, to=to)
    update = duty.campus.terminals[NODE].update
    return update.state if update else ""


def test_a_hello_says_which_program_runs(duty: Duty) -> None:
    seen = one(hello(duty), e.SoftwareSeen)
    assert (seen.software, seen.updatable) == (OLD, True)
    assert hello(duty) == ()
    assert one(hello(duty, tried=None), e.SoftwareSeen).updatable is False
    assert duty.campus.terminals[NODE].software == OLD
    assert one(hello(duty, "来自张三的问候"), e.SoftwareSeen).software == "", "no free text"


def test_a_program_is_ordered_fetched_written_and_runs(duty: Duty) -> None:
    hello(duty)
    assert one(duty.do(r.OrderUpdate, **ORDER), e.UpdateOrdered).version == NEW
    assert is_under_way(duty.campus.terminals[NODE].update)
    assert needed_programs(duty.campus) == {DIGEST}
    assert progress(duty, "fetching", "written") == "written"
    done = hello(duty, NEW)
    assert [type(entry) for entry in done] == [e.SoftwareSeen, e.UpdateProgressed]
    assert progress(duty) == "done"
    assert needed_programs(duty.campus) == set()
    assert hello(duty, NEW) == ()
    assert replay(duty.ledger) == duty.campus


def test_who_gets_none(duty: Duty) -> None:
    assert duty.refused(r.OrderUpdate, **{**ORDER, "terminal": "t-nobody"}) == "unknown_terminal"
    assert duty.refused(r.OrderUpdate, **{**ORDER, "terminal": PI}) == "no_node"
    hello(duty, NEW)
    assert duty.refused(r.OrderUpdate, **ORDER) == "runs_already"
    hello(duty, OLD, tried=None)
    assert duty.refused(r.OrderUpdate, **ORDER) == "not_updatable"
    duty.do(r.RevokeTerminal, terminal=NODE, by=CHIEF)
    assert duty.refused(r.OrderUpdate, **ORDER) == "revoked"
    assert hello(duty, NEW) == (), "what it said before and comes later"


def test_a_node_that_never_said_hello_may_be_ordered_one(duty: Duty) -> None:
    duty.do(r.OrderUpdate, **ORDER)
    assert progress(duty) == "ordered"


def test_one_that_went_back_is_not_offered_again_until_it_is_ordered_again(duty: Duty) -> None:
    duty.do(r.OrderUpdate, **ORDER)
    progress(duty, "fetching", "written")
    update = duty.campus.terminals[NODE].update
    assert update is not None
    assert went_back(update, NEW), "and is not offered while that is not recorded yet"
    assert one(hello(duty, tried=NEW), e.UpdateProgressed).to == "gone_back"
    assert needed_programs(duty.campus) == set()
    assert hello(duty, tried=NEW) == ()
    duty.do(r.OrderUpdate, **ORDER)
    assert hello(duty, tried=NEW) == ()
    update = duty.campus.terminals[NODE].update
    assert update is not None
    assert (update.state, went_back(update, NEW)) == ("ordered", False)


def test_one_that_lost_its_power_before_it_was_kept_is_no_longer_done(duty: Duty) -> None:
    duty.do(r.OrderUpdate, **ORDER)
    progress(duty, "fetching", "written")
    hello(duty, NEW)
    assert progress(duty) == "done"
    hello(duty, OLD, tried=NEW)
    assert progress(duty) == "gone_back"


def test_it_begins_so_often_and_no_more(duty: Duty) -> None:
    duty.do(r.OrderUpdate, **ORDER)
    for _ in range(ATTEMPTS_MAX):
        assert progress(duty, "fetching") == "fetching"
    assert progress(duty, "fetching") == "given_up"
    assert duty.do(r.ProgressUpdate, terminal=NODE, digest=DIGEST, to="written") == ()


@pytest.mark.parametrize("result", RESULTS[1:])
def test_what_was_refused_is_over(duty: Duty, result: str) -> None:
    assert result in get_args(e.UpdateState)
    duty.do(r.OrderUpdate, **ORDER)
    assert progress(duty, "fetching", result) == result
    assert result not in UNDER_WAY
    assert duty.do(r.ProgressUpdate, terminal=NODE, digest=DIGEST, to="fetching") == ()


def test_a_word_about_another_program_changes_nothing(duty: Duty) -> None:
    assert duty.do(r.ProgressUpdate, terminal=NODE, digest=DIGEST, to="written") == ()
    duty.do(r.OrderUpdate, **ORDER)
    assert progress(duty, "full", digest=digest_of("another")) == "ordered"
    assert progress(duty, "written") == "written"
    assert duty.do(r.ProgressUpdate, terminal=NODE, digest=DIGEST, to="written") == (), "said twice"
