"""What can be wrong with a terminal, in a form that a person gets told in their own language."""

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
    """`name` is a key under `problems` in the catalogue, which has for it `what` happened and what to `do`.

    `where` is a file, an address or a pin, the same in every language; `fields` fill the two sentences.
    """

    name: str
    where: str
    fields: Mapping[str, str | Phrase] = field(default_factory=dict)

    def __str__(self) -> str:
        """For logs."""
        details = "".join(f" {key}={value}" for key, value in self.fields.items())
        return f"{self.name} at {self.where}{details}"


def reason_of(error: OSError | UnicodeError) -> str | Phrase:
    """Why a file can't be used, in a person's language where we have words for it."""
    if isinstance(error, FileNotFoundError):
        return Phrase("reasons.missing")
    if isinstance(error, PermissionError):
        return Phrase("reasons.denied")
    if isinstance(error, NotADirectoryError):
        return Phrase("reasons.no_folder")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Phrase("reasons.full")
    if isinstance(error, UnicodeError):
        return Phrase("reasons.no_text")
    return error.strerror or str(error)


class TerminalError(Exception):
    """The root of this package's errors; `problem` says what, where and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class SettingsError(TerminalError):
    """settings.toml can't be used as it is."""


class CredentialsError(TerminalError):
    """The key, the campus's certificate or the log's verifier key can't be used."""


class PanelError(TerminalError):
    """A pin can't be claimed, read or driven."""


class AlreadyRunning(TerminalError):
    """Another daemon has this home."""


class NotRunning(TerminalError):
    """No daemon answers in this home."""


class HubUnreachable(TerminalError):
    """Nobody answers as the hub, or whoever does is not ours."""


class ControlError(TerminalError):
    """Something asked over the control socket that can't be done."""
