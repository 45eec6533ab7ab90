"""What can be wrong with a ledger or with what somebody asks of it. Messages are for logs."""


class LedgerError(Exception):
    """The root of this package's errors."""


class LedgerDamaged(LedgerError):
    """Stored bytes that can't be what was once stored: missing, of another length, not opening."""


class Unreadable(LedgerError):
    """The ledger can't be read now."""


class TilePathError(LedgerError):
    """A path that names no tile and no entry bundle; nothing is wrong with the ledger."""


class SealError(LedgerError):
    """A text, salt or domain that can't be sealed."""


class NoVerdict(LedgerError):
    """This machine ended a process that judges events, or has no room to rebuild; nothing is said of the ledger."""


class LedgerTaken(LedgerError):
    """The head is not where its only writer left it: another program writes to this ledger. Not to be tried again."""
