"""What can be wrong with a hub, in a form that a person gets told in their own language."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text of the catalogue, by its key."""

    key: str

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class Problem:
    """`name` is a key under `problem` in the commands' catalogue, which has for it `what` happened and what to `do`.

    `where` is a file, an address or a name, the same in every language; `fields` fill the two sentences.
    """

    name: str
    where: str
    fields: Mapping[str, str | int | Phrase] = field(default_factory=dict)

    def __str__(self) -> str:
        """For logs."""
        details = "".join(f" {key}={value}" for key, value in self.fields.items())
        return f"{self.name} at {self.where}{details}"


_REASONS = {
    errno.ENOENT: "missing",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EISDIR: "folder",
    errno.ENOTDIR: "no_folder",
    errno.ENOSPC: "full",
    errno.EROFS: "read_only",
    errno.EADDRINUSE: "port_taken",
    errno.EADDRNOTAVAIL: "not_our_address",
}
"""What a machine says most often, each a word of the catalogue, `system.<word>`."""


def reason_of(error: OSError) -> str | Phrase:
    """Why this machine can't, in a person's language where we have words for it."""
    word = _REASONS.get(error.errno or 0)
    return Phrase(f"system.{word}") if word else error.strerror or str(error)


class HubError(Exception):
    """The root of this package's errors for people; `problem` says what, where and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class SettingsError(HubError):
    """settings.toml can't be used as it is."""


class KeysError(HubError):
    """A key or certificate of the hub can't be used."""


class HomeError(HubError):
    """A folder is not the home it should be, or can't become one."""


class TypedWrongly(HubError):
    """What was typed can't be, as it stands."""


class Unwelcome(HubError):
    """What a person asked for can't be: a PIN that is too simple, a name that is taken."""


class NotFound(HubError):
    """Nothing here is called that."""


class HubUnreachable(HubError):
    """No hub answers in this home."""
