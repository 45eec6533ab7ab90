"""What needs a part of a core is left out where a container gives no right to it: pytest counts it, and why is told."""

import pytest

from tests.bench.machine import Missing, PartOfACore


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    needy = [item for item in items if item.get_closest_marker("part_of_a_core")]
    try:
        with PartOfACore(0.5):
            return
    except Missing as missing:
        for item in needy:
            items.remove(item)
            config.get_terminal_writer().line(f"\nnot tested: {item.nodeid}: {missing}")
    config.hook.pytest_deselected(items=needy)
