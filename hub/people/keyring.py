"""The secrets of the hub in memory: PIN hashes, hashes of pagers' keys, nodes' keys.

They are checked on every request, so a disk that stalls must not be asked. They change only with a commit.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from hub.database import open_read_only
from hub.dispatch.batch import Secret, SecretKind


class Keyring:
    """(owner, kind) → value, as table `secrets` has it."""

    def __init__(self, rows: Iterable[tuple[str, str, bytes]] = ()) -> None:
        self._values: dict[tuple[str, str], bytes] = {(owner, kind): value for owner, kind, value in rows}

    def get(self, owner: str, kind: SecretKind) -> bytes | None:
        return self._values.get((owner, kind))

    def of_kind(self, kind: SecretKind) -> dict[str, bytes]:
        """Owner → value."""
        return {owner: value for (owner, one), value in self._values.items() if one == kind}

    def keep(self, secrets: Iterable[Secret]) -> None:
        """What has just been committed."""
        for secret in secrets:
            if secret.value is None:
                self._values.pop((secret.owner, secret.kind), None)
            else:
                self._values[secret.owner, secret.kind] = secret.value


def load_keyring(database: Path) -> Keyring:
    """Raises sqlite3.Error."""
    with closing(open_read_only(database)) as connection:
        rows = connection.execute("SELECT owner, kind, value FROM secrets")
        return Keyring((owner, kind, bytes(value)) for owner, kind, value in rows)
