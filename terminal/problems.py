"""What can be wrong with a terminal."""

from firstbell_linux.problems import DEVICE, NOT_FOUND, UNREACHABLE, Problem, ProblemError

_NOT_FOUND = ("no_such_input", "home_of_hub")
_OF_DEVICE = ("not_simulated",)


class TerminalError(ProblemError):
    """The root of this package's errors."""

    def __init__(self, problem: Problem, error: OSError | None = None) -> None:
        super().__init__(problem, error)
        if problem.name in _NOT_FOUND:
            self.exit_code = NOT_FOUND
        elif problem.name in _OF_DEVICE:
            self.exit_code = DEVICE


class SettingsError(TerminalError):
    """settings.toml can't be used as it is."""


class CredentialsError(TerminalError):
    """The key, the campus's certificate or the log's verifier key can't be used."""


class PanelError(TerminalError):
    """A pin can't be claimed, read or driven."""

    exit_code = DEVICE


class AlreadyRunning(TerminalError):
    """Another daemon has this home."""


class NotRunning(TerminalError):
    """No daemon answers in this home."""

    exit_code = NOT_FOUND


class HubUnreachable(TerminalError):
    """Nobody answers as the hub, or whoever does is not ours."""

    exit_code = UNREACHABLE


class ControlError(TerminalError):
    """Something asked over the control socket that can't be done."""
