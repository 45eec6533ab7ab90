"""A hub that was restored from an old backup gets back what its terminals and pagers have seen, in a new log."""

import shutil
from pathlib import Path

from tests.links.hub_process import HubProcess
from tests.links.raw_terminal import event_frame, receipt_of
from tests.links.real_terminals import is_quiet, of_each_kind, receipts, start_terminal

RESTORED = "this ledger was restored from an old backup"


@of_each_kind
async def test_what_others_kept_comes_back(algorithm: str, tmp_path: Path) -> None:
    async with HubProcess(tmp_path / "hub") as hub:
        wall = await start_terminal(hub, tmp_path / "wall", await hub.enrol(algorithm=algorithm))
        gone = hub.raw_terminal(await hub.enrol("会坏掉的"))
        witness = hub.raw_terminal(await hub.enrol("先来的"))
        guard = await hub.guard("王建国")
        pager = await hub.pager(guard)
        await pager.ready()
        await hub.stop()
        shutil.copy(hub.home.database, tmp_path / "backup.db")

        await hub.start()
        line = await gone.link()
        pager = await hub.pager(cookie=pager.cookie)
        await pager.ready()
        await wall.until(is_quiet)
        pressed = await wall.press()
        await wall.until(lambda state: state["light"] == "recorded" and state["pending"] == 0)
        assert pressed in receipts(wall)
        lost = gone.event()
        await line.send(event_frame(lost))
        await line.until(receipt_of(lost))
        incident = (await hub.recorded(lost))["incident"]
        page = await pager.until_page(incident)
        before = await hub.checkpoint()
        await hub.stop()
        shutil.copy(tmp_path / "backup.db", hub.home.database)
        backed_up = (await hub.verify()).checked.entries

        await hub.start()
        await (await witness.link(checkpoint=before)).close()
        # The terminal that is still there offers its press by itself; its incident rings again.
        again = await hub.until_entry("event_recorded", digest=pressed)
        assert again["incident"] == f"i-{pressed[:20]}"
        began = await hub.until_entry("log_began")
        assert began["previous_origin"] + "\n" == before.splitlines(keepends=True)[0]
        # Nothing was signed before that: of the old log there is no second history.
        assert began["previous_size"] == backed_up
        # The other's is only on the pager.
        pager = await hub.pager(cookie=pager.cookie)
        await pager.ready()
        await pager.until_page(again["incident"], ring="alarm")
        assert incident not in [one["incident"] for one in pager.snapshot["pages"]]
        await pager.line.send({"type": "evidence", "jws": page["evidence"]})
        await pager.until_page(incident, ring="alarm")
        await hub.recorded(lost)
        await hub.until_entry("trouble_began", what="restored")

        # Receipts are in the new log, and the terminal takes them.
        state = await wall.until(lambda state: state["light"] == "recorded" and is_quiet(state))
        assert state["receipts"]
        later = await wall.press()
        await wall.until(lambda state: later in {receipt["event"] for receipt in state["receipts"]} and is_quiet(state))
        after = await hub.checkpoint()
        assert after.startswith(began["origin"] + "\n")
        await wall.end()
        await hub.stop()
        assert [str(complaint["event"]).partition(":")[0] for complaint in hub.complaints()] == [RESTORED]
        verdict = await hub.verify()
        assert verdict.ok, verdict
        # What was lost is not hidden: who kept the old head sees that it is gone.
        assert not (await hub.verify(against=before)).ok
        assert (await hub.verify(against=after)).ok
