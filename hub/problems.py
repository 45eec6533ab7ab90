"""What can be wrong with a hub."""

from firstbell_linux.problems import DEVICE, NOT_FOUND, UNREACHABLE, USED_WRONGLY, ProblemError


class HubError(ProblemError):
    """The root of this package's errors for people."""


class SettingsError(HubError):
    """settings.toml can't be used as it is."""


class KeysError(HubError):
    """A key or certificate of the hub can't be used."""


class HomeError(HubError):
    """A folder is not the home it should be, or can't become one."""


class DiskError(HubError):
    """This machine's disk does not take what has to be on it."""

    exit_code = DEVICE


class TypedWrongly(HubError):
    """What was typed can't be, as it stands."""

    exit_code = USED_WRONGLY


class Unwelcome(HubError):
    """What a person asked for can't be: a PIN that is too simple, a name that is taken."""


class NotFound(HubError):
    """Nothing here is called that."""

    exit_code = NOT_FOUND


class HubUnreachable(HubError):
    """No hub answers in this home."""

    exit_code = UNREACHABLE
