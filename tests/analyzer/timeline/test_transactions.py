"""Packed rows come out as they went in: whole, half, and with numbers that do not fit."""

from analyzer.tables.derived import DerivedTable
from analyzer.timeline import CaptureFacts, Timeline
from dissectors.events import Transaction
from tests.analyzer.timeline.dialogue import Dialogue, at

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
