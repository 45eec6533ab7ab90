"""Where a node's events are on its flash, on CPython and MicroPython: rows found by what is said of them."""

from node.rows import DIRTY, GONE, PANIC, RECEIPTED, Rows

EVERY = list(range(2 * DIRTY))


def rows_of(said: "list[int]") -> Rows:
    rows = Rows()
    for place, flags in enumerate(said):
        rows.insert(place, flags)
    return rows


def test_rows_are_counted_and_found_by_their_flags() -> None:
    for said in ([], EVERY, EVERY + [PANIC, PANIC], [GONE, RECEIPTED | DIRTY, RECEIPTED]):
        rows = rows_of(said)
        for having in EVERY:
            for lacking in EVERY:
                fit = [at for at, flags in enumerate(said) if flags & having == having and not flags & lacking]
                assert rows.count(having, lacking) == len(fit)
                assert rows.first(having, lacking) == (fit[0] if fit else None)


def test_a_row_goes_to_its_place_and_out_of_it() -> None:
    rows = Rows()
    for place in (5, 9, 7, 1):
        rows.insert(place, place)
    assert list(rows.places) == list(rows.flags) == [1, 5, 7, 9]
    assert (rows.find(7), rows.find(8), rows.start(8)) == (2, None, 3)
    rows.remove(1)
    assert list(rows.places) == list(rows.flags) == [1, 7, 9]
    assert len(rows) == 3
