"""A program over the link on a real littlefs: what is refused and why, and a power that goes at every write of a block.

MicroPython alone has that file system. tests/firmware runs this file.
"""

import asyncio
import json
import os

import vfs  # type: ignore[import-not-found]  # MicroPython's
from firstbell import messages
from firstbell.actions import Part
from firstbell.fields import PART_BYTES_MAX
from firstbell.jws import Hs256Key, b64url
from firstbell.note import base64_text
from node import update as update_module
from node.update import Update

from tests.node.block_device import Flash, Powered, PowerLost, mount, without_power
from tests.node.board import Reset, carried, digest_of, put, put_machine, put_program, version_on

try:
    from typing import Any
except ImportError:
    pass

put_machine()
from loader import main as loader_module  # noqa: E402
from loader.main import Loader  # noqa: E402

BLOCK_BYTES = 512
BLOCKS = 56
CUTS_MAX = 2_000
KEY = Hs256Key(bytes(range(32)))
ROOT = "/flash"
OLD = carried("1", [("node/main.mpy", b"old" * 50), ("lib/firstbell/light.mpy", b"older" * 200)])
NEW = carried("2", [("node/main.mpy", b"new" * 150), ("node/empty.mpy", b""), ("lib/firstbell/light.mpy", b"n" * 900)])
PASSED = carried("0", [("node/main.mpy", b"before" * 40), ("node/gone.mpy", b"gone")])
update_module.PAUSE_MS = update_module.GOODBYE_MS = 0


def version(program: bytes) -> str:
    return program.split(b" ", 2)[1].decode()


FLASH = Flash(BLOCK_BYTES, BLOCKS)
POWERED = Powered(FLASH)
for module in (update_module, loader_module):
    files: Any = module
    files.os = POWERED
    files.open = POWERED.open


class Hub:
    """Offers a program, and gives of it what is asked for. `wrong`: what its offer says instead."""

    def __init__(self, program: bytes, **wrong: "Any") -> None:
        self.program = program
        self.offer: dict[str, Any] = {
            "version": version(program),
            "size": len(program),
            "digest": digest_of(program),
        }
        self.offer.update(wrong)
        self.offer["mac"] = b64url(
            KEY.sign(messages.update_text(*[self.offer[n] for n in ("version", "size", "digest")]))
        )
        self.quiet = True
        self.asked: list[int] = []
        self.told: list[str] = []
        self.over = asyncio.Event()
        self.update: Update

    def hear(self, text: str) -> None:
        frame = messages.parse_terminal_frame(text)
        if frame["type"] == "fetched":
            self.told.append(frame["result"])
            self.over.set()
            return
        self.asked.append(frame["offset"])
        data = self.program[frame["offset"] : frame["offset"] + PART_BYTES_MAX]
        self.update.came(Part(frame["digest"], frame["offset"], base64_text(data)))

    def speak_to(self, loader: Loader) -> None:
        """Until it is over: raises Reset where the board was reset for the trial."""
        asyncio.new_event_loop()
        self.update = Update(loader, version(OLD), KEY, lambda: self.quiet, self.hear, lambda said: POWERED.check())
        asyncio.run(self._speak())

    async def _speak(self) -> None:
        working = asyncio.create_task(self.update.run())
        self.update.offered(self.offer)
        await self.over.wait()
        if self.told != ["written"]:
            # What was refused is cleared away.
            await until_empty("b")
            working.cancel()
        await working


async def until_empty(folder: str) -> None:
    while folder in os.listdir(ROOT):
        await asyncio.sleep_ms(1)  # type: ignore[attr-defined]  # MicroPython's


def flashed(blocks: int = BLOCKS) -> None:
    """A board that runs OLD, and has what it ran before still in the other folder."""
    FLASH.blocks = blocks
    vfs.VfsLfs2.mkfs(FLASH)
    mount(FLASH)
    put_program(ROOT + "/a", OLD)
    put_program(ROOT + "/b", PASSED)
    put(ROOT, "boot.json", json.dumps({"program": "a", "tried": "b"}).encode())


def told_by(hub: Hub, blocks: int = BLOCKS) -> "list[str]":
    flashed(blocks)
    try:
        hub.speak_to(Loader(ROOT))
    except asyncio.CancelledError:
        pass
    except Reset:
        hub.told.append("reset")
    vfs.umount(ROOT)
    return hub.told


def test_a_program_is_taken_and_kept() -> None:
    hub = Hub(NEW)
    assert told_by(hub) == ["written", "reset"]
    assert hub.asked == list(range(0, len(NEW), PART_BYTES_MAX))
    mount(FLASH)
    loader = Loader(ROOT)
    assert (loader.program, loader.on_trial) == ("b", True)
    assert version_on(ROOT + "/b") == version(NEW)
    assert sorted(os.listdir(ROOT + "/b")) == ["lib", "manifest", "node"]
    loader.keep()
    assert Loader(ROOT).program == "b"
    vfs.umount(ROOT)


def test_why_one_is_not_taken() -> None:
    wrong_mac = Hub(NEW)
    wrong_mac.offer["mac"] = b64url(bytes(32))
    assert told_by(wrong_mac) == ["wrong_mac"]
    assert wrong_mac.asked == []
    other_version = Hub(NEW)
    other_version.offer["version"] = "3"
    assert told_by(other_version) == ["wrong_mac"]
    assert told_by(Hub(NEW, digest="0" * 64)) == ["wrong_digest"]
    changed = Hub(NEW)
    changed.program = NEW[:-1] + b"N"
    assert told_by(changed) == ["wrong_digest"]
    cut = Hub(NEW)
    cut.program = NEW[:-1]
    assert told_by(cut) == ["not_understood"]
    assert told_by(Hub(NEW.replace(b"node/main", b"../../main"))) == ["not_understood"]
    for path in (b"manifest/x", b"manifest.new/x", b"node/main.mpy", b"node/main.mpy/x"):
        assert told_by(Hub(NEW.replace(b"node/empty.mpy", path))) == ["not_understood"], path
    assert told_by(Hub(b"\xff\xfe" * 600 + b"a b c")) == ["not_understood"]
    assert told_by(Hub(NEW.replace(b" 1\n", b" 0\n", 1))) == ["older_protocol"]
    assert told_by(Hub(NEW, size=1 << 30)) == ["too_large"]
    assert told_by(Hub(NEW), 22) == ["full"]


def test_what_was_refused_leaves_the_program_that_runs() -> None:
    assert told_by(Hub(NEW, digest="0" * 64)) == ["wrong_digest"]
    mount(FLASH)
    assert (Loader(ROOT).program, version_on(ROOT + "/a")) == ("a", version(OLD))
    assert "b" not in os.listdir(ROOT), "the outbox may want the room"
    vfs.umount(ROOT)


def test_nothing_is_asked_for_while_something_waits_or_shines() -> None:
    flashed()
    hub = Hub(NEW)
    hub.quiet = False

    async def press_and_resolve() -> None:
        working = asyncio.create_task(hub.update.run())
        hub.update.offered(hub.offer)
        await asyncio.sleep_ms(50)  # type: ignore[attr-defined]  # MicroPython's
        assert hub.asked == []
        hub.quiet = True
        await working

    hub.update = Update(Loader(ROOT), version(OLD), KEY, lambda: hub.quiet, hub.hear, lambda said: None)
    asyncio.new_event_loop()
    try:
        asyncio.run(press_and_resolve())
    except Reset:
        pass
    assert hub.told == ["written"]
    vfs.umount(ROOT)


def test_a_link_that_breaks_begins_it_anew() -> None:
    flashed()
    hub = Hub(NEW)
    answer = hub.hear

    def hear_once(text: str) -> None:
        if len(hub.asked) == 1:
            hub.asked.append(-1)
            hub.update.offered(None)
            hub.update.offered(dict(hub.offer))
        else:
            answer(text)

    hub.hear = hear_once  # type: ignore[method-assign]
    try:
        hub.speak_to(Loader(ROOT))
    except Reset:
        pass
    assert hub.asked == [0, -1, 0, 1024]
    assert hub.told == ["written"]
    assert version_on(ROOT + "/b") == version(NEW)
    vfs.umount(ROOT)


def link(loader: Loader) -> None:
    """To a hub that offers nothing, until the other folder is empty."""

    async def clear() -> None:
        update = Update(loader, "", KEY, lambda: True, lambda text: None, lambda said: POWERED.check())
        working = asyncio.create_task(update.run())
        update.offered(None)
        await until_empty(loader.other)
        working.cancel()

    asyncio.new_event_loop()
    asyncio.run(clear())


def test_a_program_on_trial_leaves_the_one_before() -> None:
    """A link that ends before its first snapshot, and a flash that does not take who is kept."""
    flashed()
    put(ROOT, "boot.json", json.dumps({"program": "a", "trial": "b"}).encode())
    loader = Loader(ROOT)
    assert (loader.program, loader.on_trial, loader.other) == ("b", True, "a")
    os.mkdir(ROOT + "/boot.new")
    hub = Hub(NEW)
    hub.update = Update(loader, version(PASSED), KEY, lambda: True, hub.hear, lambda said: None)

    async def offer_all() -> None:
        working = asyncio.create_task(hub.update.run())
        for offer in (None, hub.offer, {"version": version(PASSED)}):
            try:
                loader.keep()
                raise AssertionError("kept")
            except OSError:
                pass
            hub.update.offered(offer)
            await asyncio.sleep_ms(50)  # type: ignore[attr-defined]  # MicroPython's
        assert version_on(ROOT + "/a") == version(OLD)
        assert (hub.asked, hub.told) == ([], [])
        os.rmdir(ROOT + "/boot.new")
        assert Loader(ROOT).program == "a"
        loader.keep()
        hub.update.offered(None)
        await until_empty("a")
        working.cancel()

    asyncio.new_event_loop()
    asyncio.run(offer_all())
    assert Loader(ROOT).program == "b"
    vfs.umount(ROOT)


def test_a_flash_that_does_not_take_the_trial_is_told() -> None:
    flashed()
    os.mkdir(ROOT + "/boot.new")
    hub = Hub(NEW)

    async def offer() -> None:
        working = asyncio.create_task(hub.update.run())
        hub.update.offered(hub.offer)
        await hub.over.wait()
        await until_empty("b")
        working.cancel()

    hub.update = Update(Loader(ROOT), version(OLD), KEY, lambda: True, hub.hear, lambda said: None)
    asyncio.new_event_loop()
    asyncio.run(asyncio.wait_for(offer(), 10))
    assert hub.told == ["written", "flash_failed"]
    assert Loader(ROOT).program == "a"
    vfs.umount(ROOT)


def put_in_its_place(offer: "dict[str, Any] | None", program: bytes = b"") -> "list[str]":
    """NEW was written and waits for the light to go out. Returns what the hub was told from then on."""
    flashed()
    hub = Hub(NEW)
    hub.update = Update(Loader(ROOT), version(OLD), KEY, lambda: hub.quiet, hub.hear, lambda said: None)

    async def order_another() -> None:
        working = asyncio.create_task(hub.update.run())
        hub.update.offered(hub.offer)
        while not hub.told:
            hub.quiet = not (hub.asked and hub.asked[-1] + PART_BYTES_MAX >= len(NEW))
            await asyncio.sleep_ms(0)  # type: ignore[attr-defined]  # MicroPython's
        assert hub.told == ["written"]
        hub.told.clear()
        hub.over.clear()
        hub.program = program
        hub.update.offered(offer)
        hub.quiet = True
        if offer is None:
            await until_empty("b")
            working.cancel()
        await working

    asyncio.new_event_loop()
    try:
        asyncio.run(order_another())
    except asyncio.CancelledError:
        pass
    except Reset:
        hub.told.append("reset")
    return hub.told


def test_one_that_is_no_longer_offered_is_not_started() -> None:
    assert put_in_its_place(None) == []
    assert (Loader(ROOT).program, version_on(ROOT + "/a")) == ("a", version(OLD))
    vfs.umount(ROOT)
    newer = Hub(carried("3", [("node/main.mpy", b"newer" * 90)]))
    assert put_in_its_place(newer.offer, newer.program) == ["written", "reset"]
    assert (Loader(ROOT).program, version_on(ROOT + "/b")) == ("b", version(newer.program))
    vfs.umount(ROOT)


def test_where_nothing_is_offered_the_other_folder_is_empty() -> None:
    """As after half of a program came before power went."""
    flashed()
    os.remove(ROOT + "/b/manifest")
    link(Loader(ROOT))
    assert (Loader(ROOT).program, version_on(ROOT + "/a")) == ("a", version(OLD))
    vfs.umount(ROOT)


def live() -> None:
    """An update from the old program to the new one, which is kept and has the board for itself."""
    try:
        hub = Hub(NEW)
        hub.speak_to(Loader(ROOT))
    except Reset:
        pass
    loader = Loader(ROOT)
    if loader.on_trial:
        loader.keep()
    link(Loader(ROOT))


def test_a_cut_at_every_write_of_a_block() -> None:
    cut = 0
    seen: dict[str, int] = {}
    while True:
        flashed()
        FLASH.left = cut
        try:
            live()
        except (PowerLost, OSError):
            assert FLASH.left == 0, cut
        lost = FLASH.left == 0
        without_power(FLASH)
        mount(FLASH)
        loader = Loader(ROOT)
        runs = version_on(ROOT + "/" + loader.program)
        assert runs in (version(OLD), version(NEW)), (cut, runs)
        assert (loader.program == "a") == (runs == version(OLD)), cut
        for folder in [ROOT + "/" + name for name in ("a", "b") if name in os.listdir(ROOT)]:
            if "manifest" in os.listdir(folder):
                assert version_on(folder), "whoever has a manifest is whole, even where boot.json is lost"
        what = runs + (" on trial" if loader.on_trial else "")
        seen[what] = seen.get(what, 0) + 1
        if loader.on_trial:
            assert Loader(ROOT).program == "a", "and if it is not kept, the old one"
            assert version_on(ROOT + "/a") == version(OLD)
        vfs.umount(ROOT)
        if not lost:
            break
        cut += 1
        assert cut < CUTS_MAX
    print(cut, "cuts", seen)
    assert cut > 50
    assert len(seen) == 3, seen
