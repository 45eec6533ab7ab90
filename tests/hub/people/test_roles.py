"""The one table of rights."""

from typing import get_args

import pytest

from hub.dispatch.campus import Account, Campus
from hub.dispatch.entries import Role
from hub.dispatch.requests import Refused
from hub.dispatch.rules_command import ACTING_ROLES, CLOSING_ROLES
from hub.people.roles import ALLOWED, PERMISSIONS, may, permissions, require

ROLES: tuple[Role, ...] = get_args(Role)


def campus_with(*roles: Role) -> Campus:
    return Campus(accounts={"a-x": Account("a-x", roles, (), "")})


def test_every_permission_is_in_the_table_and_somebody_has_it() -> None:
    assert set(ALLOWED) == set(PERMISSIONS)
    assert all(ALLOWED[permission] and ALLOWED[permission] <= set(ROLES) for permission in PERMISSIONS)


def test_an_administrator_may_do_all_of_it() -> None:
    assert permissions(["admin"]) == set(PERMISSIONS)


def test_a_guard_in_a_browser_may_look_at_the_board_only() -> None:
    assert permissions(["guard"]) == {"see_board"}


def test_who_acts_and_who_closes_is_as_the_rules_have_it() -> None:
    assert ALLOWED["act_for_guard"] == ACTING_ROLES
    assert ALLOWED["close_incident"] == CLOSING_ROLES


def test_roles_add_up() -> None:
    assert permissions(["guard", "leader"]) == permissions(["guard"]) | permissions(["leader"])


def test_require() -> None:
    require(campus_with("leader"), "a-x", "run_drills")
    for account, permission in (("a-x", "manage_accounts"), ("a-gone", "see_board"), ("", "see_board")):
        assert not may(campus_with("leader"), account, permission)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="not_permitted"):
            require(campus_with("leader"), account, permission)  # type: ignore[arg-type]
