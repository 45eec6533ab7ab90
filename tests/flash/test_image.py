"""An image holds exactly the files, for a MicroPython that mounts it, on a blank flash and on a used one."""

import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from firstbell_flash.image import BLOCK_BYTES, BLOCKS, files_in, image_of, write_image
from firstbell_flash.problems import FileError
from firstbell_flash.uf2 import FILES_START, PAGE_BYTES, build, parse

from terminal.simulated_node import INTERPRETER

FLASH_BYTES = BLOCK_BYTES * BLOCKS
MOUNT = """
import os, sys, vfs
class Flash:
    def __init__(self, path):
        self.file = open(path, "r+b")
    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buffer)
    def writeblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.write(buffer)
    def ioctl(self, what, block):
        if what == 6:
            self.writeblocks(block, b"\\xff" * 4096)
        return {4: 212, 5: 4096}.get(what, 0)
vfs.mount(vfs.VfsLfs2(Flash(sys.argv[1]), progsize=256), "/flash")
def show(folder):
    for name in sorted(os.listdir(folder)):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            show(path)
        else:
            print(path[7:], open(path, "rb").read().hex())
show("/flash")
with open("/flash/made", "wb") as file:
    file.write(bytes(9000))
# Its folders' metadata are written anew so often that their counts of revisions are high.
for folder in ("/flash/a", "/flash/a/node", "/flash/a/lib", "/flash/a/lib/firstbell"):
    for number in range(200):
        with open(folder + "/again", "wb") as file:
            file.write(bytes(number))
    os.remove(folder + "/again")
print(len(open("/flash/made", "rb").read()))
"""


def sample(chance: random.Random) -> dict[str, bytes]:
    names = ["main.py", "boot.json", "key", "a/manifest", "a/node/main.mpy", "a/lib/firstbell/session.mpy"]
    names += [f"a/node/{number}.mpy" for number in range(chance.randrange(9))]
    return {name: chance.randbytes(chance.choice((0, 1, 200, 5_000, 20_000))) for name in names}


def laid_on(flash: bytes, pages: Mapping[int, bytes]) -> bytes:
    """As the boot ROM does it: a sector is erased before its first page is written."""
    new = bytearray(flash)
    for address in sorted(pages):
        offset = address - FILES_START
        if offset % BLOCK_BYTES == 0:
            new[offset : offset + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        new[offset : offset + PAGE_BYTES] = pages[address]
    return bytes(new)


def seen_by_micropython(folder: Path, flash: bytes) -> dict[str, bytes]:
    (folder / "mount.py").write_text(MOUNT)
    (folder / "flash").write_bytes(flash)
    command = (INTERPRETER, folder / "mount.py", folder / "flash")
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert said.returncode == 0, said.stdout + said.stderr
    *lines, wrote = said.stdout.splitlines()
    assert wrote == "9000", "it can be written to"
    found = (line.split(" ") for line in lines)
    return {path: bytes.fromhex(data) for path, data in found}


def blank() -> bytes:
    return b"\xff" * FLASH_BYTES


def test_micropython_mounts_it(tmp_path: Path) -> None:
    files = sample(random.Random(1))
    pages = image_of(files)
    assert seen_by_micropython(tmp_path, laid_on(blank(), pages)) == files
    assert files_in(pages, "x") == files


def test_its_place_is_that_of_a_pico_w() -> None:
    pages = image_of({"main.py": b"1"})
    assert min(pages) == FILES_START == 0x1012C000
    assert max(pages) < 0x10000000 + 2 * 1024 * 1024
    assert {address % 4096 for address in pages} == set(range(0, 4096, 256)), "whole sectors"


@pytest.mark.parametrize("seed", [random.randrange(1 << 32) for _ in range(3)])
def test_on_a_board_that_was_used_before_nothing_of_old_is_left(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    old = blank()
    for _ in range(4):
        # Each life writes its metadata anew, with higher counts of revision than a fresh image has.
        old = laid_on(old, image_of(sample(chance)))
        seen_by_micropython(tmp_path, old)
        old = (tmp_path / "flash").read_bytes()
    files = sample(chance)
    pages = image_of(files)
    assert len(pages) * PAGE_BYTES < FLASH_BYTES // 2, "only what a reader looks at"
    assert seen_by_micropython(tmp_path, laid_on(old, pages)) == files


def test_written_for_its_owner_alone_with_or_without_micropython(tmp_path: Path) -> None:
    files = sample(random.Random(2))
    firmware = {0x10000000 + number * PAGE_BYTES: bytes([number]) * PAGE_BYTES for number in range(9)}
    for given in (b"", build(firmware)):
        path = tmp_path / "node.uf2"
        write_image(path, files, given)
        assert path.stat().st_mode & 0o777 == 0o600
        pages = parse(path.read_bytes(), "x")
        assert files_in(pages, "x") == files
        assert firmware.items() <= pages.items() or not given


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(FileError) as error:
        image_of({"main.py": bytes(FLASH_BYTES)})
    assert error.value.problem.name == "image_full"


def test_a_file_that_holds_no_files() -> None:
    with pytest.raises(FileError) as error:
        files_in({0x10000000: b"\0" * PAGE_BYTES}, "x")
    assert error.value.problem.name == "no_file_system"
