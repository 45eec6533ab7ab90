"""`apply`: the only way the campus changes. A table: entry kind → function, live and in replay.

Total: an entry about something unknown changes nothing. Reads no setting and no clock; what was decided stands in the
entry. A changed branch would change the past: a new meaning gets a new kind. The functions stand by topic in
fold_place, fold_people, fold_call, fold_answer and fold_trouble.
"""

from hub.dispatch import fold_answer, fold_call, fold_people, fold_place, fold_trouble
from hub.dispatch.campus import SEEN_COMMANDS_MAX, Campus, Changes
from hub.dispatch.entries import Entry


def apply(campus: Campus, entry: Entry) -> None:
    """Folds one entry into the campus, in place."""
    campus.at_ms = max(campus.at_ms, entry.at_ms)
    command = getattr(entry, "command", "")
    if command:
        campus.commands.append(command)
        del campus.commands[:-SEEN_COMMANDS_MAX]
    change = CHANGES.get(type(entry))
    if change:
        change(campus, entry)


CHANGES: Changes = {
    **fold_place.CHANGES,
    **fold_people.CHANGES,
    **fold_call.CHANGES,
    **fold_answer.CHANGES,
    **fold_trouble.CHANGES,
}
"""A kind that stands in no table changes nothing: it is there to be read (`PinSet`, `SealedViewed`, …)."""
