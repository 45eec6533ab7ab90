"""Where everything of one hub lies: its home folder."""

import stat
from dataclasses import dataclass
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


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

    @property
    def programs(self) -> Path:
        """What nodes are to run, by digest."""
        return self.path / "programs"

    def open_to_others(self) -> list[Path]:
        """What holds secrets and is not for its owner alone, as after a careless restore. Raises OSError."""
        secret = (self.path, self.keys, self.database, *sorted(self.keys.glob("*.key")))
        return [path for path in secret if path.exists() and path.stat().st_mode & OTHERS]
