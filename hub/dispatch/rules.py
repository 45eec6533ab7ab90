"""`decide`: what a request leads to. A table: request kind → rule. Pure; a refusal raises Refused and changes nothing.

The rules by topic: rules_terminal (events, links), rules_command (accept … close), rules_people (accounts, pagers),
rules_deadline (what is due), rules_place (zones, enrolment, drills), rules_update, rules_trouble. `calls` says whom to
call.
"""

from collections.abc import Callable
from typing import Any

from hub.dispatch import requests as r
from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry
from hub.dispatch.rules_command import command
from hub.dispatch.rules_deadline import next_deadline_ms, reach_deadline
from hub.dispatch.rules_people import (
    add_account,
    give_key,
    hear_pager,
    lose_pager,
    make_link,
    make_pager,
    remove_account,
    revoke_pager,
    set_pin,
    sign_off,
    sign_on,
)
from hub.dispatch.rules_place import (
    begin_log,
    end_drill,
    end_test,
    enrol_terminal,
    found_campus,
    make_token,
    revoke_terminal,
    set_utc,
    set_zone,
    start_drill,
    start_run,
    start_test,
)
from hub.dispatch.rules_terminal import hear_terminal, link_terminal, lose_terminal, receive_event
from hub.dispatch.rules_trouble import count_strangers, report_trouble, see_trouble, view_sealed
from hub.dispatch.rules_update import hear_software, order_update, progress_update

__all__ = ["decide", "next_deadline_ms"]


def decide(campus: Campus, request: r.Request) -> tuple[Entry, ...]:
    """The entries that this request leads to, in order; none when it changes nothing. Raises Refused."""
    return _TABLE[type(request)](campus, request)


_TABLE: dict[type[r.Request], Callable[[Campus, Any], tuple[Entry, ...]]] = {
    r.BeginLog: begin_log,
    r.FoundCampus: found_campus,
    r.StartRun: start_run,
    r.SetUtc: set_utc,
    r.ReachDeadline: reach_deadline,
    r.ReceiveEvent: receive_event,
    r.LinkTerminal: link_terminal,
    r.LoseTerminal: lose_terminal,
    r.HearTerminal: hear_terminal,
    r.HearSoftware: hear_software,
    r.OrderUpdate: order_update,
    r.ProgressUpdate: progress_update,
    r.HearPager: hear_pager,
    r.LosePager: lose_pager,
    r.SignOn: sign_on,
    r.SignOff: sign_off,
    r.Command: command,
    r.SetZone: set_zone,
    r.MakeToken: make_token,
    r.EnrolTerminal: enrol_terminal,
    r.RevokeTerminal: revoke_terminal,
    r.AddAccount: add_account,
    r.RemoveAccount: remove_account,
    r.SetPin: set_pin,
    r.MakePager: make_pager,
    r.MakeLink: make_link,
    r.GiveKey: give_key,
    r.RevokePager: revoke_pager,
    r.StartDrill: start_drill,
    r.EndDrill: end_drill,
    r.StartTest: start_test,
    r.EndTest: end_test,
    r.SeeTrouble: see_trouble,
    r.ReportTrouble: report_trouble,
    r.CountStrangers: count_strangers,
    r.ViewSealed: view_sealed,
}
