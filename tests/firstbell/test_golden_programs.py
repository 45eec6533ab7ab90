"""The golden program of a node, and what is none, on CPython and MicroPython."""

from firstbell.fields import is_digest
from firstbell.program import ProgramError, check_program, parse_file, write_manifest

from tests.firstbell.test_golden import load


def test_a_program() -> None:
    vectors = load("programs.json")
    files = [(file["path"], bytes.fromhex(file["content"])) for file in vectors["files"]]
    manifest = write_manifest(vectors["release"], files)
    assert manifest == vectors["manifest"].encode()
    program = manifest + b"".join([data for _, data in files])
    assert check_program(program) == (vectors["version"], vectors["protocol"])
    for line, (path, data) in zip(vectors["manifest"].split("\n")[1:], files):  # noqa: B905  # no strict there
        file = parse_file(line + "\n")
        assert file is not None
        assert is_digest(file.digest)
        assert (file.path, file.size) == (path, len(data))


def test_what_is_none() -> None:
    for case in load("programs.json")["refused"]:
        try:
            check_program(bytes.fromhex(case["program"]))
        except ProgramError:
            continue
        raise AssertionError("taken: " + case["case"])
