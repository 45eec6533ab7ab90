"""Home Assistant with what a state change needs to reach a listener and its own database: run by its own Python.

`python home_assistant.py FOLDER PORT KEYS` writes a token to FOLDER/token and goes on until it is ended.
"""

import asyncio
import logging
import sys
from datetime import timedelta
from pathlib import Path

from homeassistant import auth, bootstrap, core, loader  # type: ignore[import-not-found]
from homeassistant.auth.const import GROUP_ID_ADMIN  # type: ignore[import-not-found]
from homeassistant.auth.models import TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN  # type: ignore[import-not-found]
from homeassistant.config_entries import ConfigEntries  # type: ignore[import-not-found]
from homeassistant.helpers.recorder import async_initialize_recorder  # type: ignore[import-not-found]
from homeassistant.setup import async_setup_component  # type: ignore[import-not-found]


async def main(folder: Path, port: int, keys: Path) -> None:
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    config = {
        "http": {
            "server_host": "127.0.0.1",
            "server_port": port,
            "ssl_certificate": str(keys / "hub.pem"),
            "ssl_key": str(keys / "hub.key"),
        },
        # Its database is written after every change, not every five seconds.
        "recorder": {"commit_interval": 0},
        "websocket_api": {},
        "api": {},
    }
    hass.config_entries = ConfigEntries(hass, config)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [{"type": "homeassistant"}], [])
    async_initialize_recorder(hass)
    for component in ("http", "websocket_api", "api", "recorder"):
        assert await async_setup_component(hass, component, config), component
    user = await hass.auth.async_create_user("bench", group_ids=[GROUP_ID_ADMIN])
    refresh = await hass.auth.async_create_refresh_token(
        user,
        client_name="bench",
        token_type=TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
        access_token_expiration=timedelta(days=1),
    )
    await hass.async_start()
    (folder / "token").write_text(hass.auth.async_create_access_token(refresh))
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
