"""From a token to a press: a card that is enrolled while it is written, and what stands on it run as the Pi would."""

from pathlib import Path

import pytest
from firstbell_flash.boot_partition import open_fat

from terminal.settings import Home
from tests.card.cards import CARDS, make_image
from tests.card.test_bundle import GOOD
from tests.flash.typed import Typed
from tests.links.campus import HOST, ZONE
from tests.links.hub_process import HubProcess
from tests.terminal.real_terminal import RealTerminal, simulate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_by_a_token(hub: HubProcess, tmp_path: Path) -> None:
    body = {"name": "体育馆", "zone": ZONE, "address": f"{HOST}:{hub.port}"}
    token: str = (await hub.post("/api/tokens", **body))["token"]
    image, packed = make_image(tmp_path / "card.img", CARDS["trixie"][1]), tmp_path / "firstbell.tar"
    packed.write_bytes(GOOD)
    typed = ("pi", image, "--from", tmp_path / "gym", "--token", "--bundle", packed, "--wait", "--json")
    # The first is killed when the hub has taken it; the second goes on with the same token.
    first = await Typed.run(*typed, piped=f"{token}\n")
    await first.until("Writing to the card")
    first.process.kill()
    await first.end()
    run = await Typed.run(*typed, piped=f"{token}\n")
    await run.until("Put the card into the Pi")

    home = Home(tmp_path / "pi")
    home.path.mkdir(mode=0o700)
    for name in ("settings.toml", "key", "ca.pem", "log.vkey"):
        (home.path / name).touch(mode=0o600)
        (home.path / name).write_bytes(open_fat(image).read(f"firstbell/terminal/{name}"))
    simulate(home)
    terminal = await RealTerminal(home).start()
    await terminal.until(lambda state: state["linked"])
    digest = await terminal.press()

    said = await run.end()
    assert said.status == 0, said.err
    assert (said.json["armed"], said.json["name"]) == (True, "体育馆")
    assert token not in said.out + said.err
    recorded = await hub.until_entry("event_recorded", digest=digest)
    assert recorded["terminal"] == said.json["terminal"]
    await terminal.end()
