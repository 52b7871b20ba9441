"""The catalog is the contract: what DESIGN section 5 names is there, in that order, and everything is explained."""

import re

import pytest

from analyzer.tables.catalog import TABLES
from analyzer.tables.schema import Table

# DESIGN section 5, word for word.
PROMISED = {
    "captures": "capture engine frames bytes start end link_types secrets truncated_frames missing_bytes complete",
    "connections": (
        "connection_id capture start end client_ip client_port server_ip server_port frames_client frames_server "
        "bytes_client bytes_server missing_bytes retransmissions keepalives rtt_ms conn_state history tls_version "
        "tls_cipher sni alpn tls_resumed decryption why_encrypted eas_evidence first_frame last_frame "
        "display_filter"
    ),
    "transactions": (
        "transaction_id connection_id session_id request_start request_end response_start response_end method host "
        "path command status request_wire_bytes response_wire_bytes request_body_bytes response_body_bytes "
        "request_decoded_bytes response_decoded_bytes request_frame response_frame http_version complete inferred"
    ),
    "sessions": (
        "session_id server user device_id device_type user_agent protocol_version sync_mode first_seen last_seen "
        "heartbeats connections bytes_up bytes_down"
    ),
    "heartbeats": (
        "heartbeat_id session_id connection_id transaction_id kind start end requested_s requested_source held_s "
        "outcome ping_status monitored_folders changed_folders"
    ),
    "teardowns": (
        "teardown_id connection_id heartbeat_id time mechanism ended_by cause premature idle_s age_s evidence_grade "
        "evidence"
    ),
    "idle_timeouts": (
        "path clients server_ip low_s high_s behaviour deaths survivals longest_survived_s shortest_death_s "
        "confidence candidates advice"
    ),
    "adaptations": "",
    "sync_sizes": (
        "transaction_id session_id time collection_id folder_name folder_class sync_key_sent sync_key_received "
        "status adds changes deletes more_available window_size filter_type truncation upload_bytes download_bytes "
        "upload_wire_bytes download_wire_bytes"
    ),
    "subscriptions": "",
    "notifications": "time frame source_ip destination_ip destination_port subscription_ids call_back",
    "deliveries": "",
    "authentications": "",
    "reconnects": "",
    "directory_searches": "",
    "answer_shares": "",
    "sms_triggers": "",
    "certificates": "",
    "anomalies": "code connection_id frame time detail",
    "findings": (
        "code severity title detail advice session_id connection_id start end confidence frames display_filter"
    ),
}
ENUMS = {
    "heartbeats.kind": "ping sync inferred",
    "heartbeats.requested_source": "body inherited server_limit unknown inferred",
    "heartbeats.outcome": "expired changes error torn_down replaced capture_end unknown",
    "teardowns.mechanism": "fin rst silent tls_close http_error capture_end",
    "teardowns.ended_by": "client server_side middlebox path unknown",
    "teardowns.cause": (
        "idle_timeout proxy_timeout endpoint_close server_stop device_lost roamed replaced mass_event maximum_age "
        "scheduled policy http_error unknown"
    ),
    "teardowns.evidence_grade": "proven likely possible unknown",
    "idle_timeouts.behaviour": "reset fin silent proxy_error",
    "sessions.sync_mode": "direct_push scheduled manual sms_triggered unknown",
    "connections.decryption": "decrypted partial plaintext encrypted not_http",
    "connections.eas_evidence": "decoded inferred none",
    "deliveries.outcome": "delivered late missed lost blocked unmatched",
    "findings.severity": "info warning error",
}
PERSONAL = re.compile(r"(^|_)(user|device_id|folder|folder_name|client_ip|display_filter)$")


def test_the_tables_are_those_of_the_design_in_its_order() -> None:
    assert [table.name for table in TABLES] == list(PROMISED)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_promised_columns_come_first_and_in_order(table: Table) -> None:
    promised = PROMISED[table.name].split()
    assert [column.name for column in table.columns][: len(promised)] == promised


@pytest.mark.parametrize("place", ENUMS)
def test_enums_have_the_promised_values_and_no_others(place: str) -> None:
    table, column = place.split(".")
    found = next(c for t in TABLES for c in t.columns if (t.name, c.name) == (table, column))
    assert [value for value, _ in found.values] == ENUMS[place].split()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_says_what_it_is_and_its_key_exists(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert table.key
    assert set(table.key) <= set(names)
    assert table.grain
    assert table.meaning.endswith(".")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_explained(table: Table) -> None:
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert len(column.meaning) > 15, column.name
        assert re.fullmatch(r"[^ ].*[^ ]\.", column.meaning), column.name
        assert "  " not in column.meaning, column.name
        assert (column.kind == "enum") == bool(column.values), column.name
        assert all(value and explained for value, explained in column.values), column.name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_units_stand_in_the_name(table: Table) -> None:
    for column in table.columns:
        if column.name.endswith(("_s", "_ms")):
            assert column.kind == "float", column.name
        if column.name.endswith(("bytes", "frame", "_port")):
            assert column.kind == "int", column.name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_names_a_person_or_device_is_marked(table: Table) -> None:
    for column in table.columns:
        assert column.personal or not PERSONAL.search(column.name), column.name
