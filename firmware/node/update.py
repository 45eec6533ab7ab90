"""Takes a new program over the link, and hands over to its trial when all is quiet.

It is written as it comes into the folder that no start needs, and becomes a program by its manifest, once all of it was
read back. One part at a time is asked for, none while an event waits for its receipt or the light is on. A link that
breaks begins it anew. Where nothing is offered that folder is empty: the outbox may want the room.
"""

import asyncio
import binascii
import errno
import hashlib
import os

from firstbell import messages
from firstbell.fields import PART_BYTES_MAX
from firstbell.jws import unb64url
from firstbell.program import (
    FILES_MAX,
    LINE_BYTES_MAX,
    MANIFEST,
    PROGRAM_BYTES_MAX,
    UNPROVEN,
    ProgramError,
    check_paths,
    parse_file,
    parse_head,
)

try:
    from collections.abc import Callable
    from typing import Any

    from firstbell.actions import Part
    from firstbell.jws import Hs256Key
    from loader.main import Loader
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

PAUSE_MS = 100
"""Between two touches of the flash: while it erases a block, nothing else runs."""
GOODBYE_MS = 1_000
"""The hub is to hear that the program is written before the board is reset."""
ENOSPC = 28
"""MicroPython's errno has no name for it."""


class UpdateError(Exception):
    """`reason`: one of `messages.RESULTS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Withdrawn(Exception):
    """Another program is offered, or none, or the link is gone."""


class Update:
    """`run` it. `is_quiet()`: nothing waits for the hub, and no light is on. `send` a frame; `tell` the console."""

    def __init__(
        self,
        loader: "Loader",
        version: str,
        key: "Hs256Key",
        is_quiet: "Callable[[], bool]",
        send: "Callable[[str], None]",
        tell: "Callable[[dict[str, Any]], None]",
    ) -> None:
        self._loader = loader
        self._version = version
        self._key = key
        self._is_quiet = is_quiet
        self._send = send
        self._tell = tell
        self._folder = loader.root + "/" + loader.other
        self._changed = asyncio.Event()
        self._came = asyncio.Event()
        self._offer: dict[str, Any] | None = {}  # nobody has said anything yet
        self._part: Part | None = None

    def offered(self, offer: "dict[str, Any] | None") -> None:
        """What the hub's newest snapshot says (`messages.UPDATE`); None without a link."""
        # While this program is on trial, the other folder is the way back.
        if offer != self._offer and not self._loader.on_trial:
            self._offer = offer
            self._changed.set()
            self._came.set()

    def came(self, part: "Part") -> None:
        """An answer to what was asked for."""
        self._part = part
        self._came.set()

    async def run(self) -> None:
        """For as long as the node runs."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            offer = self._offer
            try:
                if offer is None or offer["version"] == self._version:
                    await self._clear(self._folder)
                else:
                    await self._answer(offer)
            except _Withdrawn:
                pass  # what is offered now has been noted
            except OSError as error:
                self._tell({"update": {"problem": str(error)}})

    async def _answer(self, offer: "dict[str, Any]") -> None:
        result = "written"
        self._tell({"update": {"version": offer["version"], "result": "fetching"}})
        try:
            await self._take(offer)
        except UpdateError as error:
            result = error.reason
        except (ProgramError, ValueError):
            result = "not_understood"
        except OSError as error:
            result = "full" if error.errno == ENOSPC else "flash_failed"
        self._tell({"update": {"version": offer["version"], "result": result}})
        self._send(messages.fetched_frame(offer["digest"], result))
        if result == "written":
            await asyncio.sleep_ms(GOODBYE_MS)
            await self._until_quiet(offer)
            try:
                os.rename(self._folder + "/" + UNPROVEN, self._folder + "/" + MANIFEST)
                self._loader.try_other()
                return
            except OSError:
                self._send(messages.fetched_frame(offer["digest"], "flash_failed"))
        await self._clear(self._folder)

    async def _take(self, offer: "dict[str, Any]") -> None:
        """Raises UpdateError, ProgramError, OSError, _Withdrawn."""
        text = messages.update_text(offer["version"], offer["size"], offer["digest"])
        if not self._key.verify(unb64url(offer["mac"]), text):
            raise UpdateError("wrong_mac")
        if offer["size"] > PROGRAM_BYTES_MAX:
            raise UpdateError("too_large")
        await self._clear(self._folder)
        os.mkdir(self._folder)
        incoming = _Incoming(self, offer)
        for size, path in await self._take_manifest(incoming):
            self._make_folders(path)
            with open(self._folder + "/" + path, "wb") as file:
                left = size
                while left:
                    data = await incoming.read(left)
                    file.write(data)
                    left -= len(data)
        if await self._read_back() != offer["digest"]:
            raise UpdateError("wrong_digest")

    async def _take_manifest(self, incoming: "_Incoming") -> "list[tuple[int, str]]":
        """Size and path of each file."""
        files: list[tuple[int, str]] = []
        with open(self._folder + "/" + UNPROVEN, "wb") as manifest:
            line = await incoming.line()
            if parse_head(line)[1] < messages.PROTOCOL:
                raise UpdateError("older_protocol")
            while True:
                manifest.write(line.encode())
                line = await incoming.line()
                file = parse_file(line)
                if file is None:
                    manifest.write(line.encode())
                    check_paths([path for _, path in files])
                    return files
                files.append((file.size, file.path))
                if len(files) > FILES_MAX:
                    raise ProgramError("files")

    def _make_folders(self, path: str) -> None:
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            try:
                os.mkdir(self._folder + "/" + "/".join(parts[:count]))
            except OSError as error:
                if error.errno != errno.EEXIST:
                    raise

    async def _read_back(self) -> str:
        """The digest of what is really on the flash."""
        whole = hashlib.sha256()
        paths = [UNPROVEN]
        with open(self._folder + "/" + UNPROVEN) as manifest:
            manifest.readline()
            while True:
                file = parse_file(manifest.readline())
                if file is None:
                    break
                paths.append(file.path)
        for path in paths:
            with open(self._folder + "/" + path, "rb") as content:
                while True:
                    data = content.read(PART_BYTES_MAX)
                    if not data:
                        break
                    whole.update(data)
                    await asyncio.sleep_ms(0)
        digest: str = whole.digest().hex()
        return digest

    async def _clear(self, folder: str) -> None:
        """Removes it and all that is in it, the manifest first: half a program is none."""
        try:
            names = os.listdir(folder)
        except OSError:
            return  # it is not there
        for name in sorted(names, key=lambda name: name != MANIFEST):
            try:
                os.remove(folder + "/" + name)
            except OSError:
                await self._clear(folder + "/" + name)
            await asyncio.sleep_ms(PAUSE_MS)
        os.rmdir(folder)

    async def fetch(self, offer: "dict[str, Any]", offset: int) -> bytes:
        """What stands there, when it may be asked for and has come. Raises _Withdrawn."""
        await asyncio.sleep_ms(PAUSE_MS)
        await self._until_quiet(offer)
        self._part = None
        self._send(messages.fetch_frame(offer["digest"], offset))
        while True:
            self._check(offer)
            part = self._part
            if part is not None and (part.digest, part.offset) == (offer["digest"], offset):
                return binascii.a2b_base64(part.data)
            await self._came.wait()
            self._came.clear()

    async def _until_quiet(self, offer: "dict[str, Any]") -> None:
        """Raises _Withdrawn."""
        self._check(offer)
        while not self._is_quiet():
            await asyncio.sleep_ms(PAUSE_MS)
            self._check(offer)

    def _check(self, offer: "dict[str, Any]") -> None:
        if self._offer is not offer:
            raise _Withdrawn


class _Incoming:
    """The program as a stream, of which one part is held."""

    def __init__(self, update: Update, offer: "dict[str, Any]") -> None:
        self._update = update
        self._offer = offer
        self._held = b""
        self._offset = 0

    async def read(self, size: int) -> bytes:
        """At most `size` bytes, at least one."""
        await self._hold()
        data, self._held = self._held[:size], self._held[size:]
        return data

    async def line(self) -> str:
        line = end = b""
        while not end:
            await self._hold()
            head, end, self._held = self._held.partition(b"\n")
            line += head + end
            if len(line) > LINE_BYTES_MAX:
                raise ProgramError("line")
        return line.decode()

    async def _hold(self) -> None:
        if not self._held:
            self._held = await self._update.fetch(self._offer, self._offset)
            if not self._held:
                raise ProgramError("it ends too early")
            self._offset += len(self._held)
