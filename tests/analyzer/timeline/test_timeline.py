"""What belongs to no single table: captures, connections, anomalies, ids that join, and a value for every column."""

import pytest

from analyzer.tables.catalog import TABLES
from analyzer.timeline import CaptureFacts, Timeline
from tests.analyzer.timeline.dialogue import CLIENT, Dialogue, frame

FROM_EVENTS = [table for table in TABLES if table.name != "findings"]


def test_nothing_in_nothing_out() -> None:
    tables = Timeline().finish([])
    assert list(tables) == [table.name for table in FROM_EVENTS]
    assert all(len(builder) == 0 for builder in tables.values())


def test_missing_bytes_of_a_capture_are_those_of_its_connections_unless_the_reader_knows() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(1, 60, answer=(61, 1))
    link.end(70, client={"missing_bytes": 7}, server={"missing_bytes": 5})
    (row,) = d.rows("captures")
    assert (row["capture"], row["missing_bytes"], row["link_types"]) == ("made.pcap", 12, ["Ethernet"])
    facts = CaptureFacts(name="x", engine="tshark", frames=0, bytes=24, start_ns=None, end_ns=None, missing_bytes=3)
    assert Timeline().finish([facts])["captures"].column("missing_bytes").tolist() == [3]


def test_a_connection_has_its_filter_and_its_capture() -> None:
    d = Dialogue()
    d.connect(client="2001:db8::5", server="2001:db8::1").end(9, duplicate_of=None)
    link = d.connect()
    link.ping(1, 60, answer=(61, 1))
    link.end(70, first_close="fin", side=CLIENT)
    other, ours = d.rows("connections")
    assert ours["display_filter"] == "ip.addr==10.0.0.7 && tcp.port==40002 && ip.addr==203.0.113.10 && tcp.port==443"
    assert other["display_filter"].startswith("ipv6.addr==2001:db8::5 && ")
    assert (ours["capture"], ours["eas_evidence"], ours["sessions"], ours["rtt_ms"]) == ("made.pcap", "decoded", 1, 20)
    assert (other["eas_evidence"], other["sessions"]) == ("none", 0)


def test_the_copy_of_a_connection_makes_no_second_row_of_anything_else() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(1, 60)
    original = link.end(40, first_close="fin", side=CLIENT)
    d.connect().end(40, first_close="fin", side=CLIENT, duplicate_of=original.connection_id)
    assert [r["duplicate_of"] for r in d.rows("connections")] == [None, 1]
    assert [r["eas_evidence"] for r in d.rows("connections")] == ["decoded", "decoded"]
    assert len(d.rows("heartbeats")) == len(d.rows("teardowns")) == 1


def test_ids_are_given_in_order_of_time_and_join() -> None:
    d = Dialogue()
    late, early = d.connect(50), d.connect(0)
    late.ping(60, 30, answer=(90, 1), device="DEV2")
    late.ping(91, 30, device="DEV2")
    late.end(99, first_close="fin", side=CLIENT)
    early.sync(5, {"5": "1"}, answered_at=6, received={"5": ("2", 1)})
    early.ping(10, 30, answer=(40, 1))
    early.end(45, first_close="fin", side=CLIENT)
    assert [r["transaction_id"] for r in d.rows("transactions")] == [1, 2, 3, 4]
    assert [r["request_frame"] for r in d.rows("transactions")] == [frame(t) for t in (5, 10, 60, 91)]
    assert [(r["heartbeat_id"], r["transaction_id"], r["session_id"]) for r in d.rows("heartbeats")] == [
        (1, 2, 1),
        (2, 3, 2),
        (3, 4, 2),
    ]
    assert [(r["teardown_id"], r["heartbeat_id"], r["session_id"]) for r in d.rows("teardowns")] == [
        (1, None, 1),
        (2, 3, 2),
    ]
    assert [(r["transaction_id"], r["session_id"], r["held"]) for r in d.rows("sync_sizes")] == [(1, 1, False)]


def test_anomalies_of_the_engine_and_of_the_messages() -> None:
    d = Dialogue()
    d.anomaly(code="tcp_odd", frame=3, time_ns=None, detail="odd")
    link = d.connect()
    for n in range(3):
        link.transaction("Ping", 10 + n, b"no wbxml at all", 10.5 + n, b"")
    link.end(20)
    rows = d.rows("anomalies")
    assert [r["code"] for r in rows].count("tcp_odd") == 1
    ours = [r for r in rows if r["connection_id"] == 1]
    assert len({r["code"] for r in ours}) == len(ours) > 0  # once a connection and code, however often
    assert all(r["capture"] == "made.pcap" for r in rows)


@pytest.mark.parametrize("table", FROM_EVENTS, ids=lambda table: table.name)
def test_rows_fit_the_catalog(table: object) -> None:
    d = Dialogue()
    link = d.connect()
    link.folder_sync(1, {"5": ("Inbox", 2)})
    link.sync(2, {"5": "1"}, answered_at=3, received={"5": ("2", 1)})
    link.ping(5, 60, folders=["5"], answer=(65, 1))
    link.ping(66, 60)
    link.end(200, first_close="fin", side=CLIENT)
    d.anomaly(code="x_y", frame=1, time_ns=1, detail="z")
    frame_ = d.tables()[table.name]  # type: ignore[attr-defined]
    for column in table.columns:  # type: ignore[attr-defined]
        if column.kind == "enum":
            assert set(frame_[column.name].dropna()) <= {value for value, _ in column.values}
    assert list(frame_.columns) == [column.name for column in table.columns]  # type: ignore[attr-defined]
