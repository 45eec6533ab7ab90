"""Tile paths and widths after the examples of C2SP tlog-tiles, and entry bundles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.errors import LedgerDamaged, LedgerError, TilePathError
from hub.ledger.tiles import (
    ENTRY_BYTES_MAX,
    LEVEL_MAX,
    Level,
    TileName,
    decode_bundle,
    encode_bundle,
    parse_path,
    tile_path,
    width_at,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tile/0/000", TileName(0, 0, 256)),
        ("tile/0/005", TileName(0, 5, 256)),
        ("tile/0/x001/x234/067", TileName(0, 1_234_067, 256)),
        ("tile/0/x001/234.p/5", TileName(0, 1234, 5)),
        ("tile/1/x001/000.p/255", TileName(1, 1000, 255)),
        ("tile/63/000.p/1", TileName(63, 0, 1)),
        ("tile/entries/273.p/112", TileName("entries", 273, 112)),
        ("tile/entries/x001/x000/000", TileName("entries", 1_000_000, 256)),
    ],
)
def test_paths_of_the_format(path: str, name: TileName) -> None:
    assert parse_path(path) == name
    assert tile_path(name.level, name.n, name.width) == path


@given(st.one_of(st.integers(0, LEVEL_MAX), st.just("entries")), st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_name_is_read_back(level: Level, n: int, width: int) -> None:
    assert parse_path(tile_path(level, n, width)) == TileName(level, n, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/000?a=b",
        "tile//000",
        "tile/-1/000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/100/000",
        "tile/Entries/000",
        "tile/data/000",
        "tile/8/0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/x001/x234",
        "tile/0/X001/234",
        "tile/0/x1/234",
        "tile/0/x001//234",
        "tile/0/x001/x001/x001/x001/x001/x001/001",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/05",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/999",
        "tile/0/000.p/1000",
        "tile/0/000.p/-1",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/\u0660\u0660\u0660",
        "tile/\u0660/000",
        "tile/0/..",
        "tile/0/../../etc/passwd",
    ],
)
def test_every_other_path_is_refused(path: str) -> None:
    with pytest.raises(TilePathError):
        parse_path(path)


@given(st.text(alphabet="tile/0123456789x.pens", max_size=40))
def test_a_path_is_refused_or_written_that_way(path: str) -> None:
    try:
        name = parse_path("tile/" + path)
    except TilePathError:
        return
    assert tile_path(name.level, name.n, name.width) == "tile/" + path


def test_a_refusal_is_short_and_one_of_ours() -> None:
    with pytest.raises(LedgerError) as caught:
        parse_path("tile/" + "9" * 10_000)
    assert len(str(caught.value)) < 120


def widths(level: Level, size: int) -> list[int]:
    """The widths of every tile of a level, from the left, up to the first that isn't there."""
    found: list[int] = []
    while width := width_at(level, len(found), size):
        found.append(width)
    return found


def test_widths_of_a_tree_of_70_000() -> None:
    assert widths(0, 70_000) == [256] * 273 + [112]
    assert widths("entries", 70_000) == [256] * 273 + [112]
    assert widths(1, 70_000) == [256, 17]
    assert widths(2, 70_000) == [1]
    assert widths(3, 70_000) == []


@pytest.mark.parametrize(
    ("size", "by_level"),
    [
        (0, [[], [], []]),
        (1, [[1], [], []]),
        (255, [[255], [], []]),
        (256, [[256], [1], []]),
        (257, [[256, 1], [1], []]),
        (65_536, [[256] * 256, [256], [1]]),
    ],
)
def test_widths_at_the_borders(size: int, by_level: list[list[int]]) -> None:
    assert [widths(level, size) for level in range(3)] == by_level


@given(st.integers(0, 2**40), st.integers(0, 5))
def test_the_partial_tile_is_as_wide_as_the_format_says(size: int, level: int) -> None:
    last = size // 256 ** (level + 1)
    assert width_at(level, last, size) == size // 256**level % 256
    assert width_at(level, last + 1, size) == 0
    if last:
        assert width_at(level, last - 1, size) == 256


ENTRIES = st.lists(st.binary(max_size=300), max_size=20)


@given(ENTRIES)
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_bytes_of_a_bundle() -> None:
    assert encode_bundle([]) == b""
    assert encode_bundle([b"a", b"", b"bc"]) == b"\x00\x01a\x00\x00\x00\x02bc"


def test_the_largest_bundle() -> None:
    data = encode_bundle([b"x" * ENTRY_BYTES_MAX] * 256)
    assert len(data) == 16_777_472
    assert len(decode_bundle(data, 256)) == 256
    with pytest.raises(ValueError, match="65536 bytes"):
        encode_bundle([b"x" * (ENTRY_BYTES_MAX + 1)])


@given(ENTRIES, st.data())
def test_a_cut_or_stretched_bundle_is_damaged(entries: list[bytes], data: st.DataObject) -> None:
    bundle = encode_bundle(entries)
    with pytest.raises(LedgerDamaged, match="after the last"):
        decode_bundle(bundle + b"\x00", len(entries))
    if bundle:
        cut = bundle[: data.draw(st.integers(0, len(bundle) - 1))]
        with pytest.raises(LedgerDamaged, match="ends within entry"):
            decode_bundle(cut, len(entries))
    with pytest.raises(LedgerDamaged, match="ends within entry"):
        decode_bundle(bundle, len(entries) + 1)
