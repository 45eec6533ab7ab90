"""The one task that owns both folds: requests in, alerts at once, promises after the commit.

`step` is plain and synchronous: it takes what waits (with a cap), decides, applies, hands one batch to the writer and
computes everything that should be anew. It never awaits a peer or the disk. `run` only says when. Two campuses are
kept: `decided` (everything decided, but for what lowers attention and is not committed) and `durable` (exactly what
committed). DESIGN.md, "The two principles".
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from hub.dispatch import campus as campuses
from hub.dispatch.asked import Answer, Asked, Done, Gathered, Pending, Sought, tell
from hub.dispatch.batch import Batch, Commit, Snapshot, Submission, Writer
from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry, LightState, encode
from hub.dispatch.fold import apply
from hub.dispatch.requests import ReachDeadline, ReceiveEvent, Refused, Request
from hub.dispatch.rules import decide, next_deadline_ms
from hub.dispatch.rules_terminal import may_be_forgotten
from hub.dispatch.wanted import RINGING_KINDS, Alerts, alerts, everything_rings, lights

REQUESTS_PER_STEP_MAX = 256
"""Requests decided before the alerts are sent: bounds how long the first of a storm waits for its page."""
PENDING_ENTRIES_MAX = 20_000
"""Entries decided and not yet committed; above it only what changes what rings is decided."""
DEADLINE_ROUNDS_MAX = 16
"""Passes over due deadlines in one step; each pass makes the due ones later, so one is the rule."""
FAULT_REST_MS = 1_000
"""Between two looks at a deadline while the hub has a defect."""
EVERYTHING = ""
"""In place of a terminal: an outlet that shows more than one."""
SNAPSHOT_ENTRIES = 5_000
"""Entries of the log between two snapshots of the campus in the database."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class View:
    """Everything that should be shown now. The campuses are live objects: read them, never keep them."""

    decided: Campus
    durable: Campus
    alerts: Alerts
    lights: dict[str, LightState]
    fault: bool


class Outlet(Protocol):
    """Someone who is shown the newest view. `refresh` is called after each step that could concern this one; it must be
    quick and never raise.
    """

    def refresh(self, view: View) -> None: ...


LookUp = Callable[[str, Callable[[bool], None]], None]
"""Asks whether the disk holds the event of a digest, and tells, on the loop's thread: at once or later, but once."""


class Engine:
    """Both folds and what is between them.

    `campus` is the durable one at `size` entries; `look_up` asks the disk; `now_ms` gives hub time.
    `due_ms` is the earliest deadline in hub time as of the last step, None: there is none.
    """

    def __init__(self, campus: Campus, size: int, writer: Writer, look_up: LookUp, now_ms: Callable[[], int]) -> None:
        self._look_up = look_up
        self._now_ms = now_ms
        self._writer = writer
        self._inbox: deque[tuple[Submission, Done | None]] = deque()
        self._commits: deque[Commit] = deque()
        self._pending: deque[Pending] = deque()
        self._pending_entries = 0
        self._waiting: dict[str, Asked] = {}
        self._sought: dict[str, Sought] = {}
        self._found: deque[tuple[str, bool]] = deque()
        # In the order in which they came: what is sent in which order hangs on no address in memory.
        self._outlets: dict[str, dict[Outlet, None]] = {EVERYTHING: {}}
        self._touched: set[str] = set()
        self._wake = asyncio.Event()
        self._came = self._had_turn = 0
        self._more_to_say: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._snapshot: Snapshot | None = None
        # How the writer gets a batch: at once where no loop runs us.
        self._soon: Callable[..., object] = lambda call, *arguments: call(*arguments)
        self._faults: set[str] = set()
        self.size = size
        self.durable = campus
        self.decided = campuses.copy(campus)
        self.view = self._look()
        self.due_ms = next_deadline_ms(campus)
        self.on_decided: Callable[[Sequence[Entry]], None] = lambda _entries: None
        self.on_committed: Callable[[Commit], None] = lambda _commit: None

    # ── from the links, the web and the writer (all on the loop's thread) ────────────────────────────────────

    def submit(self, submission: Submission, done: Done | None = None) -> None:
        """Takes a request; `done` is told once, after the commit or at the refusal."""
        self._inbox.append((submission, done))
        self._came += 1
        self._wake.set()

    async def taken(self) -> None:
        """Waits until everything submitted up to now has had its turn. A peer with more to say waits for this, so that
        nobody's requests fill the queue before a press of somebody else's.
        """
        if self._had_turn == self._came:
            await asyncio.sleep(0)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._more_to_say.append((self._came, turn))
        await turn

    async def ask(self, submission: Submission) -> Answer:
        """Waits until the request is committed. Raises Refused."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.submit(submission, lambda answer: None if future.done() else future.set_result(answer))
        answer = await future
        if answer.refused:
            raise Refused(answer.refused)
        return answer

    def committed(self, commit: Commit) -> None:
        """The writer's word that these batches are on the disk."""
        self._commits.append(commit)
        self._wake.set()

    def add_outlet(self, outlet: Outlet, terminal: str = EVERYTHING) -> None:
        """One that shows a single terminal's light and ring need not be asked at each step of a thousand others."""
        self._outlets.setdefault(terminal, {})[outlet] = None
        outlet.refresh(self.view)

    def remove_outlet(self, outlet: Outlet, terminal: str = EVERYTHING) -> None:
        of_terminal = self._outlets.get(terminal, {})
        of_terminal.pop(outlet, None)
        if not of_terminal and terminal != EVERYTHING:
            self._outlets.pop(terminal, None)

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Steps whenever there is something to do, until cancelled."""
        self._soon = asyncio.get_running_loop().call_soon
        while True:
            try:
                rest_ms = self.rest_ms()
                async with asyncio.timeout(None if rest_ms is None else rest_ms / 1000):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            self.step(self._now_ms())
            if self._inbox:
                self._wake.set()
                await asyncio.sleep(0)

    def rest_ms(self) -> int | None:
        """How long there is nothing to do unless something comes; None: for ever."""
        # A deadline that can't be decided stays due.
        least_ms = FAULT_REST_MS if self._faults else 0
        return None if self.due_ms is None else max(least_ms, self.due_ms - self._now_ms())

    def step(self, now_ms: int) -> None:
        """One pass: commits, requests, deadlines; then the view goes to the outlets and the batch to the writer."""
        changed, faults = bool(self._commits), len(self._faults)
        while self._commits:
            self._fold(self._commits.popleft())
        gathered = Gathered()
        for _ in range(min(len(self._inbox), REQUESTS_PER_STEP_MAX)):
            self._handle(*self._inbox.popleft(), gathered)
            self._had_turn += 1
        while self._found:
            self._take_found(*self._found.popleft(), now_ms, gathered)
        self._reach_deadlines(now_ms, gathered)
        if gathered.entries:
            self.on_decided(gathered.entries)
        if changed or gathered.entries or len(self._faults) > faults:
            self._show()
        if gathered.entries:
            self._hand_over(gathered)
        # After the outlets, so that what rings goes out before anything more is read.
        while self._more_to_say and self._more_to_say[0][0] <= self._had_turn:
            _, turn = self._more_to_say.popleft()
            if not turn.done():
                turn.set_result(None)

    def _show(self) -> None:
        """Computes the view anew and shows it to every outlet that it could concern."""
        before, self.view = self.view, self._look()
        concerned = self._touched | _differing(before.lights, self.view.lights)
        concerned |= _differing(before.alerts.bells, self.view.alerts.bells)
        self._touched = set()
        for about in (EVERYTHING, *sorted(concerned)):
            for outlet in tuple(self._outlets.get(about, ())):
                outlet.refresh(self.view)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────

    def _reach_deadlines(self, now_ms: int, gathered: Gathered) -> None:
        for _ in range(1 if self._faults else DEADLINE_ROUNDS_MAX):
            self.due_ms = next_deadline_ms(self.decided)
            if self.due_ms is None or self.due_ms > now_ms:
                return
            self._decide(Submission(ReachDeadline(now_ms=now_ms)), [], gathered)
        self.due_ms = next_deadline_ms(self.decided)

    def _handle(self, submission: Submission, done: Done | None, gathered: Gathered) -> None:
        request, dones = submission.request, [done] if done else []
        same = self._waiting.get(request.key) or self._sought.get(request.key)
        if same is not None:
            # Its answer is this one's too.
            same.dones.extend(dones)
        elif isinstance(request, ReceiveEvent) and may_be_forgotten(self.decided, request):
            self._seek(request, Sought(submission, dones))
        else:
            self._decide(submission, dones, gathered)

    def _seek(self, request: ReceiveEvent, sought: Sought) -> None:
        """It may be on the disk for so long that the campus has forgotten it."""

        def told(recorded: bool) -> None:
            self._found.append((request.key, recorded))
            self._wake.set()

        self._sought[request.key] = sought
        self._look_up(request.digest, told)

    def _take_found(self, key: str, recorded: bool, now_ms: int, gathered: Gathered) -> None:
        sought = self._sought.pop(key)
        if recorded:
            tell(sought.dones, Answer(repeated=True))
        else:
            # It comes only now: what came meanwhile is in the ledger, where time never goes back.
            request = replace(sought.submission.request, now_ms=now_ms)
            self._decide(replace(sought.submission, request=request), sought.dones, gathered)

    def _decide(self, submission: Submission, dones: list[Done], gathered: Gathered) -> None:
        request = submission.request
        try:
            entries = decide(self.decided, request)
        except Refused as refusal:
            return tell(dones, Answer(refused=refusal.reason))
        except Exception:
            self._fault("decide", type(request).__name__)
            return tell(dones, Answer(refused="hub_fault"))
        if not entries:
            return tell(dones, Answer(repeated=True))
        if self._pending_entries > PENDING_ENTRIES_MAX and _can_wait(request, entries):
            return tell(dones, Answer(refused="busy"))
        if not request.lowers and not self._apply_all(self.decided, entries):
            self._rebase(gathered.raising)
            return tell(dones, Answer(refused="hub_fault"))
        asked = Asked(len(gathered.entries), len(entries), request.key, dones)
        gathered.asked.append(asked)
        gathered.entries.extend(entries)
        gathered.submissions.append(submission)
        if request.lowers:
            gathered.lowers = True
        else:
            gathered.raising.extend(entries)
        if request.key:
            self._waiting[request.key] = asked
        self._pending_entries += len(entries)

    def _hand_over(self, gathered: Gathered) -> None:
        batch = Batch(
            entries=tuple(gathered.entries),
            bodies=tuple(encode(entry) for entry in gathered.entries),
            sealed=tuple(sealed for submission in gathered.submissions for sealed in submission.sealed),
            secrets=tuple(secret for submission in gathered.submissions for secret in submission.secrets),
            snapshot=self._snapshot,
        )
        self._snapshot = None
        self._pending.append(Pending(batch, gathered.raising, gathered.lowers, gathered.asked))
        # When the outlets have written what rings: the writer's thread wants Python, too.
        self._soon(self._writer.submit, batch)

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────

    def _fold(self, commit: Commit) -> None:
        index = commit.first_index
        for batch in commit.batches:
            self._apply_all(self.durable, batch.entries)
            if self._pending and self._pending[0].batch is batch:
                self._settle(self._pending.popleft(), index, commit)
            else:
                # The writer's own: the beginning of a new log, after a restore.
                self._rebase(())
            index += len(batch.entries)
        self.size = commit.size
        # By the log's size: a hub that is begun anew more often than that has its snapshots, too.
        if commit.size // SNAPSHOT_ENTRIES > commit.first_index // SNAPSHOT_ENTRIES:
            self._snapshot = Snapshot(epoch=commit.epoch, size=commit.size, campus=campuses.snapshot(self.durable))
        self.on_committed(commit)

    def _settle(self, pending: Pending, index: int, commit: Commit) -> None:
        self._pending_entries -= len(pending.batch.entries)
        if pending.lowers:
            self._rebase(())
        for asked in pending.asked:
            self._answer(asked, index, commit)

    def _answer(self, asked: Asked, batch_index: int, commit: Commit) -> None:
        if asked.key and self._waiting.get(asked.key) is asked:
            del self._waiting[asked.key]
        first = batch_index + asked.first
        indices = range(first, first + asked.count)
        receipt = next((commit.receipts[index] for index in indices if index in commit.receipts), None)
        tell(asked.dones, Answer(indices, receipt))

    def _rebase(self, gathered: Sequence[Entry]) -> None:
        """decided := durable + what is pending and does not lower."""
        self.decided = campuses.copy(self.durable)
        for pending in self._pending:
            self._apply_all(self.decided, pending.raising)
        self._apply_all(self.decided, gathered)

    def _apply_all(self, campus: Campus, entries: Sequence[Entry]) -> bool:
        for entry in entries:
            self._touched.add(getattr(entry, "terminal", EVERYTHING))
            try:
                apply(campus, entry)
            except Exception:
                self._fault("apply", type(entry).__name__)
                return False
        return True

    # ── what should be ───────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> View:
        # Each by itself: a defect in what rings puts out no light, for which a terminal would let go of its events.
        lit: dict[str, LightState]
        try:
            lit = lights(self.decided, self.durable)
        except Exception:
            self._fault("lights", "")
            lit = dict.fromkeys(self.decided.terminals, "none")
        try:
            wanted = alerts(self.decided)
        except Exception:
            self._fault("alerts", "")
        if self._faults:
            wanted = everything_rings(self.decided)
        return View(self.decided, self.durable, wanted, lit, bool(self._faults))

    def _fault(self, where: str, what: str) -> None:
        """A defect of ours must ring, not fall silent; it stays until the hub is restarted with the defect mended."""
        if f"{where}:{what}" not in self._faults:
            log.exception("hub fault", where=where, what=what)
        self._faults.add(f"{where}:{what}")


def _can_wait(request: Request, entries: Sequence[Entry]) -> bool:
    # A deadline that is put off stays due, and the loop would never rest.
    return not isinstance(request, ReachDeadline) and not any(isinstance(entry, RINGING_KINDS) for entry in entries)


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The keys under which they don't say the same."""
    if before == after:
        return set()
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
