"""What can be wrong, in a form that a person gets told in their own language, and the exit code that it becomes."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

OK, FAILED, USED_WRONGLY, NOT_FOUND, DEVICE, UNREACHABLE = 0, 1, 2, 3, 4, 5
"""Exit codes: done; not done, or the check failed; typed wrongly; not found; this machine; no hub answers."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text of the catalogue, by its key."""

    key: str

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class Problem:
    """`name` is a key under `problem` in the catalogue, which has for it `what` happened and what to `do`.

    `where` is a file, an address, a pin or a name, the same in every language; `fields` fill the two sentences, a list
    as one of the reader's language.
    """

    name: str
    where: str
    fields: Mapping[str, str | int | Phrase | list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        """For logs."""
        details = "".join(f" {key}={value}" for key, value in self.fields.items())
        return f"{self.name} at {self.where}{details}"


class ProblemError(Exception):
    """The root of the errors for people; `problem` says what, where and what to do."""

    exit_code: int = FAILED

    def __init__(self, problem: Problem, error: OSError | None = None) -> None:
        """`error`: why a file can't be read, which its exit code says, too."""
        super().__init__(str(problem))
        self.problem = problem
        if error is not None:
            self.exit_code = exit_code_of(error)


_REASONS = {
    errno.ENOENT: "missing",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EISDIR: "folder",
    errno.ENOTDIR: "no_folder",
    errno.ENAMETOOLONG: "long_name",
    errno.ENOSPC: "full",
    errno.EROFS: "read_only",
    errno.ESPIPE: "no_file",
    errno.ETIMEDOUT: "late",
    errno.EADDRINUSE: "port_taken",
    errno.EADDRNOTAVAIL: "not_our_address",
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "broken_off",
    errno.EPIPE: "broken_off",
    errno.EHOSTUNREACH: "no_way",
    errno.ENETUNREACH: "no_way",
}
"""What a machine says most often, each a word of the catalogue, `system.<word>`."""


def exit_code_of(error: OSError) -> int:
    """Of a file that was named and can't be read."""
    return NOT_FOUND if isinstance(error, FileNotFoundError) else DEVICE


def reason_of(error: OSError | UnicodeError) -> str | Phrase:
    """Why this machine can't, or a file can't be used; in a person's language where we have words for it."""
    if isinstance(error, UnicodeError):
        return Phrase("system.no_text")
    if isinstance(error, socket.gaierror):
        return Phrase("system.no_such_name")
    # Python's own have no number.
    word = _REASONS.get(errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or 0)
    return Phrase(f"system.{word}") if word else error.strerror or str(error)
