"""Where the three commands begin. Until the rest is read in, Ctrl-C ends them by the signal itself: nobody could say
anything yet.
"""

import signal
from importlib import import_module


def flash() -> None:
    _begin("firstbell_flash.main")


def hub() -> None:
    _begin("hub.commands.main")


def terminal() -> None:
    _begin("terminal.commands")


def _begin(module: str) -> None:
    """From where a person is told what they ended, `shell` takes the signal back. Where it is ignored it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    import_module(module).main()
