"""Every route × every role: whom the hub lets in is what the one table says, and nobody else gets anywhere."""

from typing import get_args

import pytest

from hub.dispatch.entries import Role
from hub.people.roles import ALLOWED
from hub.web.openapi import OPERATIONS, Operation
from tests.hub.web.running import Browser, RunningHub

ROLES: tuple[Role, ...] = get_args(Role)
HTTP = {key: operation for key, operation in OPERATIONS.items() if key[0] != "GET" or not key[1].startswith("/ws/")}


def path_of(path: str) -> str:
    """With something in each place; for a tile, one that is there."""
    if path == "/tile/{name}":
        return "/tile/entries/000.p/1"
    parts = ["nothing" if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


async def code_of(browser: Browser, method: str, path: str) -> str:
    body: object = None if method == "GET" else {}
    return (await browser.ask(method, path_of(path), body)).code


def may(role: Role, operation: Operation) -> bool:
    return operation.who != "anyone" and operation.who != "pager" and role in ALLOWED[operation.who]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_gets_where_the_table_says(hub: RunningHub, role: Role) -> None:
    """An empty body gets no further than being understood, so nothing is changed; being let in shows all the same."""
    person = await hub.person(role)
    wrong = []
    for (method, path), operation in HTTP.items():
        if operation.who == "anyone":
            continue
        code = await code_of(person, method, path)
        let_in = code not in ("not_permitted", "not_signed_in")
        expected = may(role, operation)
        # The body is read before it is known whether a command closes or acts.
        unread = path.endswith("/commands") and code == "malformed"
        if let_in != expected and not unread:
            wrong.append((method, path, code))
    assert wrong == []


async def test_whoever_is_not_signed_in_gets_nowhere(hub: RunningHub) -> None:
    stranger = await hub.browser()
    codes = {key: await code_of(stranger, *key) for key, operation in HTTP.items() if operation.who != "anyone"}
    commands = codes.pop(("POST", "/api/incidents/{incident}/commands"))
    assert commands in ("not_signed_in", "malformed")
    assert set(codes.values()) == {"not_signed_in"}


async def test_a_pager_is_no_person(hub: RunningHub) -> None:
    pager = await hub.pager()
    for (method, path), operation in HTTP.items():
        if operation.who not in ("anyone", "pager") and not path.endswith("/commands"):
            assert await code_of(pager, method, path) == "not_signed_in", path
    assert (await pager.get("/api/guards")).status == 200


@pytest.mark.parametrize(
    ("role", "do", "code"),
    [
        ("guard", "accept", "not_permitted"),
        ("maintainer", "accept", "not_permitted"),
        ("leader", "accept", "not_permitted"),
        ("dispatcher", "accept", "unknown_incident"),
        ("admin", "accept", "unknown_incident"),
        ("dispatcher", "close", "not_permitted"),
        ("leader", "close", "unknown_incident"),
    ],
)
async def test_who_may_act_and_who_may_close(hub: RunningHub, role: str, do: str, code: str) -> None:
    person = await hub.person(role)
    answer = await person.post("/api/incidents/i-none/commands", {"id": "command-1", "do": do})
    assert answer.code == code


async def test_a_board_shows_and_does_nothing_else(hub: RunningHub) -> None:
    """The board of an administrator is a board."""
    console, board = await hub.console(), await hub.browser()
    made = await console.post("/api/boards", {"account": hub.founded.administrator})
    joined = await board.post("/api/join", {"code": made.json["link"].rpartition("/")[2]})
    assert joined.json == {"to": "/board"}
    for (method, path), operation in HTTP.items():
        if operation.who not in ("anyone", "pager") and not path.endswith("/commands"):
            assert await code_of(board, method, path) == "not_permitted", path
    assert (await board.get("/board")).status == 200
