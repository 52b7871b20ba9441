"""The judge is judged: one wrong cell in the tables, and the comparison with the truth must say so.

Without this, a comparison that lost its pairs, its loop or its column would pass for ever.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import truth
from tests.support.compare import QUESTIONS, Comparison
from tests.support.places import SAMPLES

TABLES = ("transactions", "heartbeats", "teardowns", "sync_sizes", "sessions", "connections")


def tables() -> dict[str, Any]:
    """Copies of the tables of a sample in which waits die."""
    from analyzer.analysis import analyze

    analysis = analyze([SAMPLES / "silent_firewall.pcap"], keylog=[SAMPLES / "silent_firewall.keys"])
    return {name: getattr(analysis, name).copy() for name in TABLES}


def compared(changed: dict[str, Any]) -> Comparison:
    return Comparison(SimpleNamespace(**changed), truth.load(SAMPLES / "silent_firewall.truth.json"), "dev")


def put(frame: Any, row: int, column: str, value: object) -> Any:
    """The frame with one cell changed, whatever dtype that needs."""
    frame = frame.astype({column: object})
    frame.iat[row, frame.columns.get_loc(column)] = value
    return frame


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "question"),
    [
        ("transactions", "command", 5, "MoveItems", "requests"),
        ("transactions", "session_id", 5, None, "devices"),
        ("transactions", "status", 5, 500, "statuses"),
        ("transactions", "request_body_bytes", 6, 1, "sizes"),
        ("transactions", "response_decoded_bytes", -1, 12, "sizes"),
        ("sync_sizes", "collection_id", 0, "i/00000000", "folders"),
        ("sync_sizes", "folder_name", 0, "Outbox", "folders"),
        ("sync_sizes", "sync_key_received", 3, "{0}9", "collections"),
        ("heartbeats", "transaction_id", 0, 1, "waits_found"),
        ("heartbeats", "requested_s", -1, 21.0, "requested"),
        ("heartbeats", "requested_source", 0, "inherited", "requested"),
        ("heartbeats", "held_s", 1, 15.9, "held"),
        ("heartbeats", "held_s", 1, None, "held"),
        ("heartbeats", "outcome", 2, "expired", "outcomes"),
        ("teardowns", "premature", 0, False, "premature"),
        ("sessions", "user", 0, "somebody", "session"),
        ("connections", "decryption", 0, "encrypted", "readable"),
    ],
)
def test_one_wrong_cell_is_found(table: str, column: str, row: int, value: object, question: str) -> None:
    changed = tables()
    assert getattr(compared(changed), question)() == []
    changed[table] = put(changed[table], row, column, value)
    assert getattr(compared(changed), question)() != []


@pytest.mark.parametrize("table", ["transactions", "heartbeats", "teardowns", "sync_sizes"])
def test_a_lost_row_is_found(table: str) -> None:
    changed = tables()
    changed[table] = changed[table].iloc[1:]
    mismatches = [sentence for question in QUESTIONS for sentence in getattr(compared(changed), question)()]
    assert mismatches


def test_a_request_that_nobody_sent_is_found() -> None:
    import pandas as pd

    changed = tables()
    changed["transactions"] = pd.concat([changed["transactions"], changed["transactions"].iloc[[7]]])
    assert any("in nobody's log" in sentence for sentence in compared(changed).requests())
