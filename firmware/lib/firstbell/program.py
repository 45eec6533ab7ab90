"""A node's program as it is carried: a manifest and, behind it, its files in the same order. No I/O.

    firstbell 0.1.0+1a2b3c4d 1
    <SHA-256, hex> <bytes> <path>
    …

and an empty line. The first has the version and the protocol that it speaks. So a node can write each file as it
comes, without holding any of it.
"""

import hashlib

from firstbell.fields import is_digest
from firstbell.messages import PROTOCOL, SOFTWARE_CHARS_MAX

NAME = "firstbell"
PROGRAM_BYTES_MAX = 262_144
FILES_MAX = 128
PATH_CHARS_MAX = 64
NUMBER_CHARS_MAX = 6
LINE_BYTES_MAX = 160
MANIFEST = "manifest"
"""Where it lies in the program's folder; a folder is a program when it is there."""
UNPROVEN = MANIFEST + ".new"
"""Where it lies until all of the program is there."""

_PATH_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_./"


class ProgramError(Exception):
    """This is no program."""


class File:
    """`digest`: SHA-256, hex; `path`: in the program's folder."""

    def __init__(self, digest: str, size: int, path: str) -> None:
        self.digest = digest
        self.size = size
        self.path = path


def write_manifest(release: str, files: "list[tuple[str, bytes]]") -> bytes:
    """Of path and content. The version is `release` and, behind a `+`, what these very files make of it."""
    lines = "".join([_digest(data) + " %d %s\n" % (len(data), path) for path, data in files])
    version = release + "+" + _digest(lines.encode())[:8]
    return ("%s %s %d\n%s\n" % (NAME, version, PROTOCOL, lines)).encode()


def parse_head(line: str) -> "tuple[str, int]":
    """Version and protocol in the first line, which comes with its end. Raises ProgramError."""
    name, version, protocol = _words(line)
    if name != NAME or not 0 < len(version) <= SOFTWARE_CHARS_MAX:
        raise ProgramError("first line")
    return version, _number(protocol)


def parse_file(line: str) -> File | None:
    """A further line, with its end; None for the empty one. Raises ProgramError."""
    if line == "\n":
        return None
    digest, size, path = _words(line)
    if not is_digest(digest):
        raise ProgramError("digest")
    parts = path.split("/")
    # In a folder of the program's own, so that nothing takes the manifest's place.
    if len(parts) < 2 or parts[0] in (MANIFEST, UNPROVEN) or [part for part in parts if part in ("", ".", "..")]:
        raise ProgramError("path")
    if path.strip(_PATH_CHARACTERS) or len(path) > PATH_CHARS_MAX:
        raise ProgramError("path")
    return File(digest, _number(size), path)


def check_paths(paths: "list[str]") -> None:
    """Raises ProgramError: two files have one place, or one lies in another."""
    places = sorted([path + "/" for path in paths])
    for number in range(1, len(places)):
        if places[number].startswith(places[number - 1]):
            raise ProgramError("path")


def check_program(program: bytes) -> "tuple[str, int]":
    """Version and protocol of a whole program whose files are all what the manifest says. Raises ProgramError."""
    if len(program) > PROGRAM_BYTES_MAX:
        raise ProgramError("too large")
    head, end, rest = program.partition(b"\n\n")
    text = ""
    try:
        text = head.decode()
    except UnicodeError:
        pass  # it has no first line then
    first, *lines = text.split("\n")
    if not end or len(lines) > FILES_MAX:
        raise ProgramError("manifest")
    paths: list[str] = []
    for line in lines:
        file = parse_file(line + "\n")
        if file is None or _digest(rest[: file.size]) != file.digest:
            raise ProgramError(line)
        rest = rest[file.size :]
        paths.append(file.path)
    check_paths(paths)
    if rest:
        raise ProgramError("more than the manifest says")
    return parse_head(first + "\n")


def _number(text: str) -> int:
    if not 0 < len(text) <= NUMBER_CHARS_MAX or text.strip("0123456789"):
        raise ProgramError("number")
    return int(text)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).digest().hex()


def _words(line: str) -> "list[str]":
    words = line[:-1].split(" ")
    if line[-1:] != "\n" or len(line) > LINE_BYTES_MAX or len(words) != 3:
        raise ProgramError("line")
    return words
