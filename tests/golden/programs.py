"""A node's program as it is carried, and what is none: a manifest (SHA-256, bytes, path), and the files behind it."""

import hashlib
from typing import Any

RELEASE = "0.1.0"
PROTOCOL = 1
FILES = {"node/main.mpy": b"M\x06\x00\x1fmain", "lib/firstbell/__init__.mpy": b"", "node/panel.mpy": bytes(range(64))}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _lines(files: dict[str, bytes]) -> str:
    return "".join(f"{_sha256(data)} {len(data)} {path}\n" for path, data in files.items())


def _version(files: dict[str, bytes]) -> str:
    return f"{RELEASE}+{_sha256(_lines(files).encode())[:8]}"


def _manifest(files: dict[str, bytes], first: str = "") -> bytes:
    return f"{first or f'firstbell {_version(files)} {PROTOCOL}'}\n{_lines(files)}\n".encode()


def _program(files: dict[str, bytes], first: str = "") -> bytes:
    return _manifest(files, first) + b"".join(files.values())


def _refused() -> dict[str, bytes]:
    whole = _program(FILES)
    other = {**FILES, "node/panel.mpy": bytes(64)}
    return {
        "nothing": b"",
        "a manifest alone": _manifest(FILES),
        "cut off": whole[:-1],
        "more than the manifest says": whole + b"x",
        "another file than the manifest says": _manifest(FILES) + b"".join(other.values()),
        "another program": _program(FILES, "lastbell 0.1.0 1"),
        "no protocol": _program(FILES, "firstbell 0.1.0 one"),
        "a version that is too long": _program(FILES, f"firstbell {'1' * 33} 1"),
        "a path that leads out": _program({"node/../main.py": b"x"}),
        "a path from the top": _program({"/main.py": b"x"}),
        "a path with other characters": _program({"node/Main.mpy": b"x"}),
        "a path in the manifest's place": _program({"manifest/x.mpy": b"x"}),
        "a path in the new manifest's place": _program({"manifest.new/x.mpy": b"x"}),
        "a path twice": _program({"node/a.mpy": b"x", "node/b.mpy": b"x"}).replace(b"b.mpy", b"a.mpy"),
        "a file in another": _program({"node/a": b"x", "node/a.b": b"x", "node/a/b": b"x"}),
        "a path that is too long": _program({f"node/{'a' * 60}": b"x"}),
        "no text": b"\xff\xfe\n\n",
    }


def programs_file() -> dict[str, Any]:
    return {
        "about": "`files`: paths and contents (hex) of a program of this release, in their order; its manifest, and "
        "the version that it names. `refused`: what is no program (hex).",
        "release": RELEASE,
        "files": [{"path": path, "content": data.hex()} for path, data in FILES.items()],
        "manifest": _manifest(FILES).decode(),
        "version": _version(FILES),
        "protocol": PROTOCOL,
        "refused": [{"case": case, "program": program.hex()} for case, program in _refused().items()],
    }
