"""A process that does nothing but press and write, and says on stdout what it was told is durable. To be killed."""

import json
import sys
from pathlib import Path
from random import Random
from threading import Semaphore

from hub.database import open_read_only
from hub.dispatch.batch import Commit
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.writer import SqliteWriter
from tests.hub.ledger.desk import BASE, LOG_KEY, WALLS, Desk

WAITING_MAX = 40


def main(path: Path, seed: int, run: int) -> None:
    desk = Desk(Random(seed), boot=run)
    store = Store(path, BASE, LOG_KEY)
    reader = Reader(open_read_only(path))
    desk.campus, desk.size, desk.now_ms = reader.load_campus(), store.head.size, run * 10_000_000
    reader.close()
    room = Semaphore(WAITING_MAX)

    def tell(commit: Commit) -> None:
        room.release(len(commit.batches))
        digests = [json.loads(receipt.entry)["digest"] for receipt in commit.receipts.values()]
        print(json.dumps({"digests": digests, "checkpoint": commit.checkpoint}), flush=True)

    writer = SqliteWriter(store)
    writer.start(tell, lambda word: print(json.dumps({"error": word}), flush=True))
    while room.acquire():
        writer.submit(desk.press(desk.random.choice(WALLS)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
