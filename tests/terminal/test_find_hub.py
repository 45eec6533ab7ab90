"""Which address is tried, and in which turn."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.links.announce import Announcement
from terminal import find_hub
from terminal.find_hub import Address, FindHub
from terminal.problems import HubUnreachable
from terminal.settings import HubSettings

CAMPUS = "c-cccccccccc"
FIXED, HERE = Address("127.0.0.9", 9), Address("127.0.0.1", 8443)


@pytest.fixture
async def hubs() -> AsyncIterator[None]:
    """Our hub, and that of another campus."""
    announcements = [
        Announcement(CAMPUS, "hub.internal", ["127.0.0.1"], 8443),
        Announcement("c-dddddddddd", "hub.internal", ["127.0.0.3"], 8445),
    ]
    for announcement in announcements:
        await announcement.start()
    yield
    for announcement in announcements:
        await announcement.stop()


async def test_the_fixed_address_comes_first_and_the_lan_is_asked_when_it_fails(hubs: None) -> None:
    finder = FindHub(HubSettings("hub.internal", CAMPUS, str(FIXED)))
    assert await finder.next_address() == FIXED
    asking = [finder.is_asking]
    # It failed, so the LAN is asked; until somebody answers there is only this one.
    assert await finder.next_address() == FIXED
    assert [*asking, finder.is_asking] == [False, True]
    await finder.answered()
    assert [await finder.next_address() for _ in range(4)] == [HERE, FIXED, HERE, FIXED]
    finder.worked(HERE)
    assert [await finder.next_address() for _ in range(3)] == [HERE, FIXED, HERE]
    await finder.close()


async def test_without_a_fixed_address_only_our_campus_is_found(hubs: None) -> None:
    finder = FindHub(HubSettings("hub.internal", CAMPUS))
    assert [await finder.next_address() for _ in range(3)] == [HERE, HERE, HERE]
    await finder.close()


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_hub, "LOOK_MS_MAX", 100)
    finder = FindHub(HubSettings("hub.internal", "c-eeeeeeeeee"))
    with pytest.raises(HubUnreachable) as caught:
        await finder.next_address()
    assert caught.value.problem.name == "hub_not_found"
    assert caught.value.problem.fields == {"campus": "c-eeeeeeeeee"}
    await finder.close()


async def test_while_it_works_nobody_is_asked() -> None:
    """A fixed address that answers costs the LAN nothing."""
    finder = FindHub(HubSettings("hub.internal", CAMPUS, str(FIXED)))
    for _ in range(3):
        assert await finder.next_address() == FIXED
        finder.worked(FIXED)
    assert not finder.is_asking
    await finder.close()


def no_network(**_interfaces: Any) -> None:
    """As zeroconf says it where not even loopback has an address."""
    raise RuntimeError("No interfaces to listen on")


async def test_a_machine_without_any_network_asks_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_hub, "LOOK_MS_MAX", 100)
    monkeypatch.setattr(find_hub, "AsyncZeroconf", no_network)
    finder = FindHub(HubSettings("hub.internal", CAMPUS))
    for _ in range(2):
        with pytest.raises(HubUnreachable):
            await finder.next_address()
    assert not finder.is_asking
    await finder.close()
