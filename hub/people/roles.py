"""Who may do what: one table. Whatever a person does passes through `require`."""

from collections.abc import Iterable
from typing import Literal, get_args

from hub.dispatch.campus import Campus
from hub.dispatch.entries import Role
from hub.dispatch.requests import Refused

Permission = Literal[
    "see_board",
    "see_incidents",
    "act_for_guard",
    "close_incident",
    "see_troubles",
    "run_drills",
    "test_terminals",
    "revoke_terminals",
    "manage_zones",
    "manage_pagers",
    "manage_accounts",
]

ALLOWED: dict[Permission, frozenset[Role]] = {
    "see_board": frozenset({"guard", "dispatcher", "leader", "maintainer", "admin"}),
    "see_incidents": frozenset({"dispatcher", "leader", "admin"}),
    "act_for_guard": frozenset({"dispatcher", "admin"}),
    "close_incident": frozenset({"leader", "admin"}),
    "see_troubles": frozenset({"dispatcher", "leader", "maintainer", "admin"}),
    "run_drills": frozenset({"leader", "admin"}),
    "test_terminals": frozenset({"maintainer", "admin"}),
    "revoke_terminals": frozenset({"maintainer", "admin"}),
    "manage_zones": frozenset({"admin"}),
    "manage_pagers": frozenset({"dispatcher", "admin"}),
    "manage_accounts": frozenset({"admin"}),
}
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

CONSOLE = "console"
"""Who acts, in entries, when it is whoever may open the hub's home on its own machine."""


def permissions(roles: Iterable[Role]) -> frozenset[Permission]:
    held = frozenset(roles)
    return frozenset(permission for permission, allowed in ALLOWED.items() if allowed & held)


def may(campus: Campus, account: str, permission: Permission) -> bool:
    found = campus.accounts.get(account)
    return found is not None and permission in permissions(found.roles)


def require(campus: Campus, account: str, permission: Permission) -> None:
    """Raises Refused("not_permitted")."""
    if not may(campus, account, permission):
        raise Refused("not_permitted")
