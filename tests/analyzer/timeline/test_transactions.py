"""Packed rows come out as they went in: whole, half, and with numbers that do not fit."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analyzer.tables.derived import DerivedTable
from analyzer.timeline import CaptureFacts, Timeline
from analyzer.timeline.transactions import Transactions, columns, in_order
from dissectors.events import Transaction
from tests.analyzer.timeline.dialogue import Dialogue, at

if TYPE_CHECKING:
    import pandas as pd

HUGE = 3 << 30  # more than 31 bits


def table(d: Dialogue) -> DerivedTable:
    timeline = Timeline()
    for event in d.events:
        timeline.add(event)
    facts = CaptureFacts(name="x", engine="builtin", frames=1, bytes=1, start_ns=at(0), end_ns=at(1000))
    made = timeline.finish([facts])["transactions"]
    assert isinstance(made, DerivedTable)
    return made


def asked(d: Dialogue, number: int) -> Transaction:
    event = [event for event in d.events if isinstance(event, Transaction)][number]
    assert event.request is not None
    assert event.response is not None
    return event


def absent(row: "pd.Series[Any]", *names: str) -> bool:
    return bool(row[list(names)].isna().all())


def test_every_field_of_a_transaction_is_in_its_row() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(490, 1))
    t = asked(d, 0)
    request, response = t.request, t.response
    assert request is not None
    assert response is not None
    row = table(d).frame().iloc[0]
    assert (row["connection_id"], row["command"], row["method"]) == (t.connection_id, "Ping", "POST")
    assert [row[name].as_unit("ns").value for name in ("request_start", "request_end")] == [
        request.start_ns, request.end_ns,
    ]  # fmt: skip
    assert [row[name].as_unit("ns").value for name in ("response_start", "response_end")] == [
        response.start_ns, response.end_ns,
    ]  # fmt: skip
    for side, half in (("request", request), ("response", response)):
        assert row[f"{side}_wire_bytes"] == half.wire_bytes
        assert row[f"{side}_body_bytes"] == half.body_bytes
        assert row[f"{side}_decoded_bytes"] == half.decoded_bytes
        assert row[f"{side}_tls_bytes"] == half.wire_bytes - half.http_bytes
        assert row[f"{side}_head_bytes"] == half.http_bytes - half.body_bytes
        assert absent(row, f"{side}_saved_bytes", f"{side}_ratio")  # it was not compressed
        assert (row[f"{side}_frame"], row[f"{side}_last_frame"]) == (half.first_frame, half.last_frame)
    assert (row["status"], row["eas_status"], row["complete"], row["inferred"]) == (200, 1, True, False)
    assert row["path"] == request.target.partition("?")[0]


def test_a_number_beyond_31_bits_is_kept_and_disturbs_no_other_row() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(490, 1))
    link.ping(500, 480, answer=(600, 1))
    t = asked(d, 0)
    assert t.response is not None
    d.events[d.events.index(t)] = t._replace(response=t.response._replace(wire_bytes=HUGE, decoded_bytes=HUGE + 1))
    made = table(d)
    assert made.column("response_wire_bytes").tolist() == [HUGE, asked(d, 1).response.wire_bytes]  # type: ignore[union-attr]
    assert made.column("response_decoded_bytes").tolist()[0] == HUGE + 1
    frame = made.frame()
    assert frame["complete"].tolist() == [True, True]
    assert frame["request_frame"].tolist() == [asked(d, n).request.first_frame for n in (0, 1)]  # type: ignore[union-attr]


def test_half_a_transaction_has_null_for_the_other_half() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(490, 1))
    t = asked(d, 0)
    d.events[d.events.index(t)] = t._replace(request=None)
    d.events.append(t._replace(response=None, number=2))
    frame = table(d).frame()
    only_answer, only_request = frame.iloc[1], frame.iloc[0]
    absent = frame.isna()
    assert absent.iloc[1][["request_start", "method", "host", "path", "request_wire_bytes", "request_frame"]].all()
    assert absent.iloc[0][["response_start", "status", "response_wire_bytes", "response_frame", "eas_status"]].all()
    assert (only_answer["status"], only_request["method"]) == (200, "POST")
    assert frame["complete"].tolist() == [False, False]


@pytest.mark.parametrize(
    ("side", "coding", "sent", "decoded", "saved", "ratio"),
    [
        ("response", "gzip", 100, 250, 150, 2.5),
        ("request", "deflate", 100, 250, 150, 2.5),
        ("response", "gzip", 20, 10, -10, 0.5),  # compression can make a short body longer
        ("response", "gzip", 100, None, None, None),  # damaged
        ("response", "gzip", 0, 0, None, None),  # an empty body that is labelled all the same
        ("response", " Identity ", 100, 100, None, None),
        ("response", None, 100, 100, None, None),
    ],
)
def test_what_compression_saved_is_known_only_where_there_was_some(
    side: str, coding: str | None, sent: int, decoded: int | None, saved: int | None, ratio: float | None
) -> None:
    d = Dialogue()
    d.connect().ping(10, 480, answer=(490, 1))
    t = asked(d, 0)
    half = getattr(t, side)
    headers = dict(half.headers) | ({"content-encoding": coding} if coding else {})
    half = half._replace(headers=headers, body_bytes=sent, decoded_bytes=decoded)
    d.events[d.events.index(t)] = t._replace(**{side: half})
    row = table(d).frame().iloc[0]
    other = "request" if side == "response" else "response"
    assert absent(row, f"{other}_saved_bytes", f"{other}_ratio")
    if saved is None:
        assert absent(row, f"{side}_saved_bytes", f"{side}_ratio")
    else:
        assert (row[f"{side}_saved_bytes"], row[f"{side}_ratio"]) == (saved, ratio)
    column = {"response": "content_encoding", "request": "request_content_encoding"}[side]
    assert absent(row, column) if coding is None else row[column] == coding


def test_a_message_of_which_no_body_byte_was_seen_is_all_head() -> None:
    d = Dialogue()
    d.connect().ping(10, 480, answer=(490, 1))
    t = asked(d, 0)
    assert t.response is not None
    cut = t.response._replace(body_bytes=0, decoded_bytes=None, body=None, complete=False, wire_bytes=90, http_bytes=60)
    d.events[d.events.index(t)] = t._replace(response=cut)
    row = table(d).frame().iloc[0]
    assert absent(row, "response_body_bytes")
    assert (row["response_tls_bytes"], row["response_head_bytes"], row["response_wire_bytes"]) == (30, 60, 90)


def test_bytes_of_originals_stand_in_the_rows_that_did_not_send_them() -> None:
    d = Dialogue()
    link = d.connect()
    for start in (500, 10):  # arrive the other way round
        link.transaction("SmartReply", start, b"", start + 1)
    rows = Transactions()
    for t in (event for event in d.events if isinstance(event, Transaction)):
        rows.add(t, -1, rows.head("POST", None, "/", "SmartReply", "1.1"), None)
    order, ids = in_order(columns(rows.packed))
    frame = rows.finish(order, ids, np.zeros(2, dtype=np.int32), {0: 1234}).frame()
    assert frame["unsent_bytes"].isna().tolist() == [True, False]
    assert frame["unsent_bytes"][1] == 1234
