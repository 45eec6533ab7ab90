"""What the terminal's tests share: a campus, a hub, and terminals that end with the test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from hub.places.authority import Authority
from tests.terminal.real_terminal import RealTerminal, make_home
from tests.terminal.small_hub import Campus, SmallHub

Terminals = Callable[..., Awaitable[RealTerminal]]


@pytest.fixture(scope="session")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Campus:
    return Campus(tmp_path_factory.mktemp("campus"))


@pytest.fixture
async def hub(campus: Campus) -> AsyncIterator[SmallHub]:
    hub = SmallHub(campus)
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
async def terminals(tmp_path: Path, campus: Campus) -> AsyncIterator[Terminals]:
    """`await terminals(hub)` starts a terminal that knows this hub; without one, a terminal that finds nobody.

    `authority`: what it trusts instead of the campus's own.
    """
    started: list[RealTerminal] = []

    async def start(hub: SmallHub | None = None, **options: Any) -> RealTerminal:
        terminal = options.get("terminal", "t-abcdefghij")
        if hub is not None:
            options.setdefault("address", f"127.0.0.1:{hub.port}")
        authority: Authority | None = options.pop("authority", None)
        home, public_key = make_home(tmp_path / terminal, campus, **options)
        if authority is not None:
            home.ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        if hub is not None:
            hub.public_keys[terminal] = public_key
        started.append(RealTerminal(home))
        return await started[-1].start()

    yield start
    for one in started:
        await one.end()
