"""What can go wrong while a terminal is made."""

from pathlib import Path

from firstbell_linux.problems import (
    DEVICE,
    NOT_FOUND,
    UNREACHABLE,
    USED_WRONGLY,
    Problem,
    ProblemError,
    reason_of,
)


class FlashError(ProblemError):
    """The root of this package's errors."""


class FileError(FlashError):
    """A file that was named can't be used as it is."""


class Unreadable(FlashError):
    """A file that was named isn't there, or this machine doesn't read it; `problem` has the `reason`."""

    def __init__(self, problem: str, path: Path, error: OSError) -> None:
        super().__init__(Problem(problem, str(path), {"reason": reason_of(error)}), error)


class NotFound(FlashError):
    """Nothing here is called that."""

    exit_code = NOT_FOUND


class TokenMalformed(FlashError):
    """What was given is no token."""

    exit_code = USED_WRONGLY


class NotEnrolled(FlashError):
    """The hub does not make this terminal its own."""


class HubUnreachable(FlashError):
    """No hub answers where the token says."""

    exit_code = UNREACHABLE


class TypedWrongly(FlashError):
    """What was typed can't be, as it stands."""

    exit_code = USED_WRONGLY


class BundleError(FlashError):
    """A bundle can't be made here, or is none."""


class CardError(FlashError):
    """A card can't be written to, or must not be."""

    exit_code = DEVICE


class NotWritten(FlashError):
    """Nothing of ours is on a card, or not all of it."""


class BoardError(FlashError):
    """A board does not do what it should."""

    exit_code = DEVICE


class NotLinked(FlashError):
    """A board runs, and its hub has not taken it."""

    exit_code = UNREACHABLE


class NotPressed(FlashError):
    """It is linked, and nobody has seen a press go through."""


class Declined(FlashError):
    """What needs a person's yes did not get it."""
