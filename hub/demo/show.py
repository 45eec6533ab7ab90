"""The demo as it is run: everything started, told line by line, until it is stopped."""

import asyncio
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from firstbell.note import parse_vkey

from hub.demo.server import LOOPBACK, DemoServer, demo_texts
from hub.demo.stage import PIN, Script, Stage
from hub.demo.story import Story
from hub.ledger.verify import verify

FOLDER_PREFIX = "firstbell-demo-"


def new_folder() -> Path:
    """A temporary folder, left in place, so that the record can be looked at."""
    return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))


async def once(folder: Path, language: str, say: Callable[[str], str], board: str) -> dict[str, Any]:
    """One press at a terminal of this `board`, from button to closed case; then all ends, and the record is verified.

    Raises StageError, TimeoutError, OSError, asyncio.CancelledError when it is ended before.
    """
    _when_ended(cast("asyncio.Task[object]", asyncio.current_task()).cancel)
    async with Stage(folder, script_of(demo_texts(language)), say) as stage:
        times = await Story(stage, board).tell()
    verdict = verify(stage.home.database, parse_vkey(stage.founded.vkey))
    return {**times, "verified": verdict.ok, "entries": verdict.size, "home": str(stage.home.path)}


async def show(
    folder: Path, language: str, say: Callable[[str], str], port: int, tell: Callable[[dict[str, Any], str], None]
) -> None:
    """Runs until it is ended, or until nobody reads any more.

    `tell(data, line)`: first what there is, then each thing that happens.

    Raises StageError, OSError.
    """
    texts = demo_texts(language)
    stopped = asyncio.Event()
    _when_ended(stopped.set)
    if stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
        # At the writing end of a pipe there is nothing to read but that its reader has gone.
        asyncio.get_running_loop().add_reader(sys.stdout.fileno(), stopped.set)
    # Taken first, so that nothing is made when the port is somebody else's.
    with socket.create_server((LOOPBACK, port)) as listening:
        await _run(folder, texts, say, listening, stopped, tell)


def _when_ended(end: Callable[[], object]) -> None:
    """The hub and the terminals would go on by themselves, in nobody's sight."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    # nohup(1) means it.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, end)


async def _run(
    folder: Path,
    texts: dict[str, str],
    say: Callable[[str], str],
    listening: socket.socket,
    stopped: asyncio.Event,
    tell: Callable[[dict[str, Any], str], None],
) -> None:
    async with Stage(folder, script_of(texts), say) as stage:
        server = DemoServer(stage, listening)
        await server.start()
        try:
            tell(*_there_is(stage, server, texts))
            telling = asyncio.create_task(_tell_all(stage, server, texts, say, tell))
            waiting = asyncio.create_task(stopped.wait())
            done, _ = await asyncio.wait((telling, waiting), return_when=asyncio.FIRST_COMPLETED)
            for task in (telling, waiting):
                task.cancel()
            if telling in done:
                telling.result()
        finally:
            await server.stop()


def _there_is(stage: Stage, server: DemoServer, texts: dict[str, str]) -> tuple[dict[str, Any], str]:
    links = {name: f"{server.url}/join/{code}" for name, code in stage.links.items()}
    data = {
        "home": str(stage.home.path),
        "base_url": stage.url,
        "ca_file": str(stage.home.keys / "ca.pem"),
        "log_vkey": stage.founded.vkey,
        "hub_pid": stage.hub.pid,
        "demo_url": f"{server.url}/demo",
        "links": links,
        "pin": PIN,
        "terminals": [
            {
                "name": wall.name,
                "terminal": wall.terminal,
                "role": wall.role,
                "board": wall.board,
                "home": str(wall.home),
                "pid": wall.process.pid if wall.process else None,
                "inputs": wall.inputs,
            }
            for wall in stage.walls
        ],
    }
    lines = [
        texts["demo.open"].format(url=data["demo_url"]),
        texts["demo.board"].format(url=links["board"]),
        texts["demo.admin"].format(url=links["administrator"]),
        texts["demo.pin"].format(pin=PIN),
        texts["demo.verify"].format(command=Path(sys.argv[0]).resolve(), home=stage.home.path),
        texts["demo.end"].format(home=stage.path),
    ]
    return data, "\n".join(lines)


async def _tell_all(
    stage: Stage,
    server: DemoServer,
    texts: dict[str, str],
    say: Callable[[str], str],
    tell: Callable[[dict[str, Any], str], None],
) -> None:
    names = {wall.terminal: wall.name for wall in stage.walls}
    names |= dict(zip(stage.guards, stage.script.guards, strict=True))
    async with stage.watch() as happenings:
        async for happening in happenings:
            server.hear(happening)
            if happening["what"] != "decided":
                line = tell_line(happening, names, texts, say)
                if line:
                    tell(_data(happening, stage), line)


def _data(happening: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """One thing that happened, with its time as UTC."""
    entry = happening.get("entry", {})
    return {
        "what": entry.get("kind", happening["what"]),
        "at_ms": happening["at_ms"] + stage.offset_ms,
        **{
            key: value for key, value in {**happening, **entry}.items() if key not in ("what", "kind", "entry", "at_ms")
        },
    }


def tell_line(
    happening: dict[str, Any], names: dict[str, str], texts: dict[str, str], say: Callable[[str], str]
) -> str:
    """What a person reads of it; "" for nothing."""
    entry = happening.get("entry", happening)
    kind = entry.get("kind", happening["what"])
    if kind == "bell_sounded":
        kind += "." + entry["ring"]
    text = texts.get(f"demo.said.{kind}", "")
    guard = names.get(entry.get("guard", ""), entry.get("guard", ""))
    light = texts.get(f"demo.light.{entry.get('light', '')}", "")
    trouble = say(f"trouble.{entry['what']}") if kind.startswith("trouble_") else ""
    return text.format(place=names.get(entry.get("terminal", ""), ""), guard=guard, light=light, what=trouble)


def script_of(texts: dict[str, str]) -> Script:
    def say(key: str) -> str:
        return texts[f"demo.script.{key}"]

    walls = tuple(
        (
            say(f"{number}.name"),
            say(f"{number}.building"),
            say(f"{number}.floor"),
            say(f"{number}.place"),
            say(f"{number}.way"),
        )
        for number in (1, 2, 3)
    )
    return Script(
        campus=say("campus"),
        zone=say("zone"),
        administrator=say("administrator"),
        guards=(say("guard.1"), say("guard.2")),
        pager=say("pager"),
        bell=say("bell"),
        walls=walls,
    )
