"""A node's program as it is carried: what is written is read, and nothing else is."""

from firstbell.messages import PROTOCOL
from firstbell.program import (
    FILES_MAX,
    LINE_BYTES_MAX,
    ProgramError,
    check_program,
    parse_file,
    parse_head,
    write_manifest,
)

FILES = [("node/main.mpy", b"main" * 300), ("lib/firstbell/__init__.mpy", b""), ("node/panel.mpy", bytes(range(256)))]


def carried(files: "list[tuple[str, bytes]]") -> bytes:
    return write_manifest("0.1.0", files) + b"".join([data for _, data in files])


def refuses(program: bytes) -> bool:
    try:
        check_program(program)
    except ProgramError:
        return True
    return False


def test_what_is_written_is_read() -> None:
    version, protocol = check_program(carried(FILES))
    assert version.startswith("0.1.0+")
    assert len(version) == len("0.1.0+") + 8
    assert protocol == PROTOCOL


def test_the_version_names_the_very_files() -> None:
    other = FILES[:2] + [("node/panel.mpy", bytes(256))]
    versions = {check_program(carried(files))[0] for files in (FILES, other, FILES[1:])}
    assert len(versions) == 3


def test_whatever_is_not_whole_is_none() -> None:
    whole = carried(FILES)
    for size in range(0, len(whole), 37):
        assert refuses(whole[:size]), size
    assert refuses(whole + b"x")
    for at in (0, 45, 80, len(whole) - 300, len(whole) - 1):
        assert refuses(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :]), at
    assert refuses(b"\xff\xfe\n\n")


def test_its_limits() -> None:
    many = [("node/m%d.mpy" % number, b"") for number in range(FILES_MAX)]
    assert not refuses(carried(many))
    assert refuses(carried(many + [("node/more.mpy", b"")]))


def test_a_path_leads_nowhere_else() -> None:
    digest = "0" * 64
    for path in (
        "../main.py",
        "node/../main.py",
        "/main.py",
        "node//x",
        "node/",
        ".",
        "./x",
        "Node/x",
        "node/a b",
        "node/" + "x" * 60,
        "",
        "manifest",
        "manifest/x",
        "manifest.new/x",
    ):
        try:
            parse_file(digest + " 1 " + path + "\n")
        except ProgramError:
            continue
        raise AssertionError(path)
    file = parse_file(digest + " 12 lib/firstbell/light.mpy\n")
    assert file is not None
    assert (file.digest, file.size, file.path) == (digest, 12, "lib/firstbell/light.mpy")
    assert parse_file("\n") is None


def test_each_file_has_its_place() -> None:
    for paths in (
        ("node/a", "node/b", "node/a"),
        ("node/a", "node/a.b", "node/a/b"),
        ("node/a/b/c", "lib/x", "node/a"),
    ):
        assert refuses(carried([(path, b"x") for path in paths])), paths
    assert not refuses(
        carried([(path, b"x") for path in ("node/a", "node/a.b/c", "node/ab", "a/node/a", "a/manifest")])
    )


def test_lines_that_are_none() -> None:
    for line in (
        "",
        "firstbell 0.1.0 1",
        "firstbell 0.1.0\n",
        "secondbell 0.1.0 1\n",
        "firstbell  1\n",
        "firstbell 0.1.0 x\n",
        "firstbell 0.1.0 ²\n",
        "firstbell " + "1" * 33 + " 1\n",
        "firstbell " + "1" * LINE_BYTES_MAX + " 1\n",
    ):
        try:
            parse_head(line)
        except ProgramError:
            continue
        raise AssertionError(line)
    for line in ("0" * 64 + " -1 n/a\n", "0" * 63 + " 1 n/a\n", "0" * 64 + " 1 n/a", "0" * 64 + " 999999999 n/a\n"):
        try:
            parse_file(line)
        except ProgramError:
            continue
        raise AssertionError(line)
