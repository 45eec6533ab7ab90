"""SHA256SUMS, as sha256sum(1) writes and checks it."""

from collections.abc import Mapping
from hashlib import sha256

SUMS = "SHA256SUMS"


def write_sums(files: Mapping[str, bytes]) -> bytes:
    """`files`: by their path from where it will lie."""
    return "".join(f"{sha256(data).hexdigest()}  {path}\n" for path, data in files.items()).encode()


def parse_sums(data: bytes) -> dict[str, str]:
    """The digest of each path."""
    found = {}
    for line in data.decode("utf-8", "replace").splitlines():
        digest, _, path = line.partition("  ")
        found[path] = digest
    return found
