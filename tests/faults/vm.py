"""A machine of its own for hub and terminals, whose power can be cut: QEMU, all in software."""

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.faults import kernel
from tests.faults.guest.meeting import LISTENS, PORT, splice
from tests.faults.machine import need, run

HOST = "127.0.0.1"
ADDRESS = "10.0.2.15"
"""The guest's, on the network that QEMU makes for it."""
MEMORY_MEGABYTES = 768
DISK_MEGABYTES = 256
BOOT_S_MAX = 120
END_S_MAX = 60
INIT = Path(__file__).parent / "guest" / "init"


class NeverUp(Exception):
    """The machine, or something in it, did not start; the text says what it said."""


async def make_disk(image: Path, content: Path) -> None:
    """ext4, as Debian makes it, with what is in the folder `content`. Raises Missing."""
    with image.open("wb") as file:
        file.truncate(DISK_MEGABYTES << 20)
    await run(need("mke2fs", "e2fsprogs"), "-q", "-t", "ext4", "-d", str(content), str(image))


async def copy_out(image: Path, path: str, to: Path) -> None:
    """A file of a disk at rest. Raises Missing."""
    await run(need("debugfs", "e2fsprogs"), "-R", f'dump "{path}" "{to}"', str(image))


class Machine:
    """`content` is where the disk lies in the guest, too. `console`: all that it has said there, over all its runs."""

    def __init__(self, folder: Path, disk: Path, content: Path, hub_port: int, agent_port: int) -> None:
        """`disk`: the socket of an NBD server. Raises Missing."""
        qemu, kept = need("qemu-system-x86_64", "qemu-system-x86"), kernel.fetch()
        told = {"disk": str(content), "project": str(kernel.ROOT), "python": sys.executable}
        first = folder / "first-files"
        first.write_bytes(kernel.first_files(kept, INIT, **told))
        self.console: list[str] = []
        self._agent_port = agent_port
        self._process: Process | None = None
        forwards = [
            f"hostfwd=tcp:{HOST}:{outside}-{ADDRESS}:{inside}"
            for outside, inside in ((hub_port, hub_port), (agent_port, PORT))
        ]
        self._command = (
            *(
                qemu,
                "-accel",
                "tcg",
                "-cpu",
                "max",
                "-smp",
                "2",
                "-m",
                str(MEMORY_MEGABYTES),
                "-nodefaults",
                "-no-reboot",
            ),
            *("-display", "none", "-serial", "stdio"),
            *("-kernel", str(kept / "vmlinuz"), "-initrd", str(first)),
            *("-append", "console=ttyS0 quiet panic=-1 rdinit=/init"),
            *("-drive", f"file=nbd+unix:///?socket={disk},format=raw,if=virtio"),
            *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
            *("-nic", ",".join(("user", "model=virtio-net-pci", "restrict=on", *forwards))),
        )

    async def boot(self) -> None:
        """Until it answers. Raises NeverUp with its console."""
        self._process = await asyncio.create_subprocess_exec(*self._command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        try:
            async with asyncio.timeout(BOOT_S_MAX):
                async for line in self._lines():
                    if LISTENS in line:
                        return
                # It has ended by itself.
                await self._process.wait()
        except TimeoutError:
            pass
        raise NeverUp(f"the machine never came up:\n{''.join(self.console[-40:])}")

    async def _lines(self) -> AsyncIterator[str]:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.console.append(line.decode(errors="replace"))
            yield self.console[-1]

    async def cut(self) -> None:
        """The power."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def end(self) -> dict[str, int]:
        """In order; the exit codes of what ran on it, by name."""
        codes: dict[str, int] = await self.ask(do="end")
        async with asyncio.timeout(END_S_MAX):
            said = [line async for line in self._lines()]
        assert any("at rest" in line for line in said), "".join(said)
        return codes

    # ── the way in ───────────────────────────────────────────────────────────────────────────────────────────

    async def call(self, **wanted: str) -> tuple[StreamReader, StreamWriter]:
        reader, writer = await asyncio.open_connection(HOST, self._agent_port)
        writer.write(json.dumps(wanted).encode() + b"\n")
        return reader, writer

    async def ask(self, **wanted: str) -> Any:
        reader, writer = await self.call(**wanted)
        answer = json.loads(await reader.readline())
        writer.close()
        return answer

    @asynccontextmanager
    async def socket(self, path: Path) -> AsyncIterator[None]:
        """Here, what is there at the same place: whoever connects to it speaks with its owner in the guest."""

        async def serve(reader: StreamReader, writer: StreamWriter) -> None:
            with suppress(OSError):
                await splice(reader, writer, *await self.call(do="socket", path=str(path)))
            writer.close()

        server = await asyncio.start_unix_server(serve, path)
        try:
            yield
        finally:
            server.close()
