"""UF2: what may go onto a board, and what is refused."""

import struct
from hashlib import sha256
from pathlib import Path

import pytest
from firstbell_flash.problems import FileError
from firstbell_flash.uf2 import BLOCK_BYTES, FILES_START, FLASH_START, PAGE_BYTES, RELEASES, build, parse, read_firmware
from firstbell_linux.problems import Phrase

PAGES = {FLASH_START + number * PAGE_BYTES: bytes([number]) * PAGE_BYTES for number in range(5)}


def reason(error: pytest.ExceptionInfo[FileError]) -> str:
    said = error.value.problem.fields["reason"]
    assert isinstance(said, Phrase)
    return said.key


def test_what_was_built_is_read_again() -> None:
    data = build(PAGES)
    assert len(data) == len(PAGES) * BLOCK_BYTES
    assert parse(data, "x") == PAGES


def test_a_block_is_as_the_format_says() -> None:
    head = struct.unpack_from("<8I", build(PAGES), BLOCK_BYTES)
    assert head == (0x0A324655, 0x9E5D5157, 0x2000, FLASH_START + PAGE_BYTES, 256, 1, 5, 0xE48BFF56)
    assert build(PAGES)[2 * BLOCK_BYTES - 4 : 2 * BLOCK_BYTES] == struct.pack("<I", 0x0AB16F30)


def spoilt(word: int, value: int, block: int = 1) -> bytes:
    data = bytearray(build(PAGES))
    struct.pack_into("<I", data, block * BLOCK_BYTES + 4 * word, value)
    return bytes(data)


WHOLE = build(PAGES)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut"),
        (WHOLE[:-1], "cut"),
        (WHOLE[:-BLOCK_BYTES], "cut"),
        (WHOLE[BLOCK_BYTES:], "cut"),
        (WHOLE[BLOCK_BYTES : 2 * BLOCK_BYTES] + WHOLE[:BLOCK_BYTES] + WHOLE[2 * BLOCK_BYTES :], "cut"),
        (b"\0" * BLOCK_BYTES, "no_uf2"),
        (spoilt(0, 0), "no_uf2"),
        (spoilt(127, 0), "no_uf2"),
        (spoilt(7, 0xE48BFF59), "other_chip"),  # an RP2350
        (spoilt(2, 0), "other_chip"),
        (spoilt(3, FLASH_START), "other_place"),  # twice
        (spoilt(3, 0x20000000), "other_place"),  # memory
        (spoilt(3, FLASH_START + 1), "other_place"),
        (spoilt(4, 476), "other_place"),
    ],
)
def test_what_is_broken_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FileError) as error:
        parse(data, "x")
    assert reason(error) == f"uf2.{why}"


def test_a_firmware_is_known_or_named_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "firmware.uf2"
    path.write_bytes(WHOLE)
    digest = sha256(WHOLE).hexdigest()
    assert read_firmware(path, digest.upper()) == WHOLE
    for named, problem in (("", "uf2_unknown"), ("0" * 64, "uf2_differs")):
        with pytest.raises(FileError) as error:
            read_firmware(path, named)
        assert error.value.problem.name == problem
        assert error.value.problem.fields["found"] == digest


def test_a_firmware_that_reaches_into_the_files_is_none_for_a_pico_w(tmp_path: Path) -> None:
    path = tmp_path / "firmware.uf2"
    path.write_bytes(build({**PAGES, FILES_START: b"\0" * PAGE_BYTES}))
    with pytest.raises(FileError) as error:
        read_firmware(path, sha256(path.read_bytes()).hexdigest())
    assert reason(error) == "uf2.other_place"


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="/dev/zero"):
        read_firmware(Path("/dev/zero"), "")


def test_known_releases_are_named_by_digests() -> None:
    assert all(len(bytes.fromhex(digest)) == 32 and digest == digest.lower() for digest in RELEASES)
