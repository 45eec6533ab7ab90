"""A home whose secrets are not for its owner alone, as after a careless restore."""

from pathlib import Path

from tests.links.hub_process import HubProcess


async def test_a_hub_rings_in_it_and_says_so(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "home")
    home = hub.home
    assert home.open_to_others() == []
    home.log_key.chmod(0o644)
    home.path.chmod(0o750)
    async with hub:
        told = [line["path"] for line in hub.complaints() if "chmod go=" in line["event"]]
        assert told == [str(home.path), str(home.log_key)]
