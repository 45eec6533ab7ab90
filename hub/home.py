"""Where everything of one hub lies: its home folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """`path` is the folder; only its owner may enter it."""

    path: Path

    @property
    def settings(self) -> Path:
        return self.path / "settings.toml"

    @property
    def database(self) -> Path:
        return self.path / "hub.db"

    @property
    def lock(self) -> Path:
        return self.path / "hub.lock"

    @property
    def control(self) -> Path:
        return self.path / "control.sock"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def log_key(self) -> Path:
        return self.keys / "log.key"

    @property
    def vkey(self) -> Path:
        return self.path / "log.vkey"
