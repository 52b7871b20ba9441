"""Some rows as lists: each column is read once, when somebody asks, for all parts together."""

import numpy as np

from analyzer.findings.picked import Picked, picked
from tests.support.made import silent_firewall


def test_a_column_is_read_when_it_is_asked_for_and_once_for_all_parts() -> None:
    asked: list[str] = []

    def column(name: str) -> list[str | None]:
        asked.append(name)
        return [None, *(f"{name}{row}" for row in range(1, 5))]

    rows = Picked(5, column)
    first, second = rows.part([0, 3]), rows.part([4])
    assert (len(rows), len(first), len(second), asked) == (5, 2, 1, [])
    assert (first["a"], first.known("a"), second["a"]) == ([None, "a3"], ["a3"], ["a4"])
    assert rows["a"] == [None, "a1", "a2", "a3", "a4"]
    assert asked == ["a"]
    assert list(first.each("b", "a")) == [(None, None), ("b3", "a3")]
    assert asked == ["a", "b"]


def test_rows_of_a_table_are_those_that_were_picked() -> None:
    table = silent_firewall().tables()["heartbeats"]
    rows = picked(table, np.array([6, -1, 4]))
    assert list(rows.each("heartbeat_id", "outcome")) == [(7, "torn_down"), (None, None), (5, "torn_down")]
