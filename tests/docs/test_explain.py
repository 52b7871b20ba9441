"""Every table, column, rule and value has its page, and `directpush explain` prints it."""

import re
import sys

import pytest

from analyzer.tables.catalog import TABLES
from analyzer.tables.schema import Column, Table
from tests.support.places import ROOT

COLUMNS = [(table, column) for table in TABLES for column in table.columns]
CODES = sorted(path.name[:5].upper() for path in (ROOT / "analyzer/findings/rules").glob("dp*.py"))

# DESIGN section 5: what every consumer may rely on.
CONTRACT = {
    name: columns.split()
    for name, columns in re.findall(
        r"^(\w+): (.+(?:\n  .+)*)",
        """\
captures: capture engine frames bytes start end link_types secrets truncated_frames missing_bytes complete
connections: connection_id capture start end client_ip client_port server_ip server_port frames_client frames_server
  bytes_client bytes_server missing_bytes retransmissions keepalives rtt_ms conn_state history tls_version tls_cipher
  sni alpn tls_resumed decryption why_encrypted eas_evidence first_frame last_frame display_filter
transactions: transaction_id connection_id session_id request_start request_end response_start response_end method
  host path command status request_wire_bytes response_wire_bytes request_body_bytes response_body_bytes
  request_decoded_bytes response_decoded_bytes request_frame response_frame http_version complete inferred
sessions: session_id server user device_id device_type user_agent protocol_version sync_mode first_seen last_seen
  heartbeats connections bytes_up bytes_down
heartbeats: heartbeat_id session_id connection_id transaction_id kind start end requested_s requested_source held_s
  outcome ping_status monitored_folders changed_folders
teardowns: teardown_id connection_id heartbeat_id time mechanism ended_by cause premature idle_s age_s evidence_grade
  evidence
idle_timeouts: path clients server_ip low_s high_s behaviour deaths survivals longest_survived_s shortest_death_s
  confidence candidates advice
sync_sizes: transaction_id session_id time collection_id folder_name folder_class sync_key_sent sync_key_received
  status adds changes deletes more_available window_size filter_type truncation upload_bytes download_bytes
  upload_wire_bytes download_wire_bytes
deliveries: notify_to_ping_s ping_to_sync_s sync_done_s outcome
notifications: time frame source_ip destination_ip destination_port subscription_ids call_back
anomalies: code connection_id frame time detail
findings: code severity title detail advice session_id connection_id start end confidence frames display_filter
""",
        flags=re.MULTILINE,
    )
}


def explain(what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    from analyzer.cli import main

    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["directpush", "explain", what])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, capsys.readouterr().err
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_explain_prints_every_column_of_a_table(
    table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = explain(table.name, monkeypatch, capsys)
    assert table.grain in page
    assert [column.name for column in table.columns if column.name not in page] == []


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda thing: thing.name)
def test_explain_prints_meaning_and_values_of_a_column(
    table: Table, column: Column, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = explain(f"{table.name}.{column.name}", monkeypatch, capsys)
    assert " ".join(column.meaning.split()) in page
    for value, meaning in column.values:
        assert value in page
        assert " ".join(meaning.split()) in page


@pytest.mark.parametrize("code", CODES)
def test_explain_prints_the_page_of_a_rule(
    code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = explain(code, monkeypatch, capsys)
    assert code in page
    for part in ("What it means", "Why it hurts", "What to do", "When it is wrong", "References"):
        assert part in page


@pytest.mark.parametrize("name", CONTRACT)
def test_table_has_the_columns_that_consumers_rely_on(name: str) -> None:
    (table,) = [table for table in TABLES if table.name == name]
    there = {column.name for column in table.columns}
    assert [column for column in CONTRACT[name] if column not in there] == []


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda thing: thing.name)
def test_column_says_its_unit_in_its_name(table: Table, column: Column) -> None:
    """Floats are seconds, milliseconds or shares; sizes are bytes; enums list their values in lower case."""
    assert column.meaning.rstrip().endswith(".")
    if column.kind == "float":
        assert column.name.endswith(("_s", "_ms", "_ratio", "confidence"))
    if column.kind == "enum":
        assert column.values
        assert column.name == "conn_state" or all(value == value.lower() for value, _ in column.values)  # Zeek's words
    assert column.name == column.name.lower()
    assert table.columns
