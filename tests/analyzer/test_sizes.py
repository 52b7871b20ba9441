"""Sizes add up: in each transaction, over a connection, over the collections of a Sync; on every capture there is."""

import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.compare import rows
from tests.support.places import RECORDINGS, SAMPLES, recording

CAPTURES = sorted(SAMPLES.glob("*.pcap")) + sorted(RECORDINGS.glob("*.pcap*"))
WHOLE = ("a_healthy", "b_blackhole", "g_tls13", "q_empty", "s_hsync", "y_healthy")  # no byte is missing, no loss
APPLICATION_DATA = "23"  # RFC 8446 B.1
RECORD_HEADER = 5


@cache
def tables(capture: Path) -> dict[str, list[dict[str, Any]]]:
    from analyzer.analysis import analyze

    analysis = analyze([capture], keylog=[capture.with_name(capture.name.partition(".")[0] + ".keys")])
    return {name: rows(getattr(analysis, name)) for name in ("connections", "transactions", "sync_sizes")}


@pytest.fixture(params=CAPTURES, ids=lambda path: path.name)
def capture(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def sum_of(some: list[dict[str, Any]], column: str) -> int:
    return sum(row[column] or 0 for row in some)


def test_parts_of_every_message_are_its_bytes_on_the_wire(capture: Path) -> None:
    for row in tables(capture)["transactions"]:
        for side in ("request", "response"):
            wire, tls, head, body = (row[f"{side}_{what}_bytes"] for what in ("wire", "tls", "head", "body"))
            if row[f"{side}_start"] is None:
                assert (wire, tls, head, body) == (None, None, None, None)
            else:
                assert wire == tls + head + (body or 0), row
                assert min(wire, tls, head, body or 0) >= 0, row
                assert head > 0, row


def test_compression_is_told_where_there_was_some(capture: Path) -> None:
    for row in tables(capture)["transactions"]:
        decoded, body = row["response_decoded_bytes"], row["response_body_bytes"]
        if row["content_encoding"] == "gzip" and decoded is not None and body:
            assert row["response_saved_bytes"] == decoded - body
            assert row["response_ratio"] == pytest.approx(decoded / body)
        else:
            assert (row["response_saved_bytes"], row["response_ratio"]) == (None, None)


def test_transactions_are_no_more_than_their_connection(capture: Path) -> None:
    found = tables(capture)
    for link in found["connections"]:
        mine = [row for row in found["transactions"] if row["connection_id"] == link["connection_id"]]
        missing = link["missing_bytes"] or 0
        assert sum_of(mine, "request_wire_bytes") <= link["bytes_client"] + missing
        assert sum_of(mine, "response_wire_bytes") <= link["bytes_server"] + missing


def test_collections_share_their_sync_in_proportion_to_their_decoded_bytes(capture: Path) -> None:
    found = tables(capture)
    by_id = {row["transaction_id"]: row for row in found["transactions"]}
    shares: dict[int, list[dict[str, Any]]] = {}
    for row in found["sync_sizes"]:
        shares.setdefault(row["transaction_id"], []).append(row)
    for number, mine in shares.items():
        whole = by_id[number]
        for way, side in (("upload", "request"), ("download", "response")):
            for what in ("wire", "body"):
                assert sum_of(mine, f"{way}_{what}_bytes") <= (whole[f"{side}_{what}_bytes"] or 0)
            decoded = whole[f"{side}_decoded_bytes"] or 0
            assert sum_of(mine, f"{way}_bytes") <= decoded
            for row in mine:  # in proportion, and off by less than one byte of rounding
                if row[f"{way}_bytes"] and decoded:
                    share = row[f"{way}_bytes"] / decoded * whole[f"{side}_wire_bytes"]
                    assert abs(row[f"{way}_wire_bytes"] - share) < 1


@pytest.mark.tshark
@pytest.mark.parametrize("name", WHOLE)
def test_transactions_and_the_other_tls_records_are_all_that_a_connection_carried(name: str) -> None:
    """tshark lists the records: those with application data are the transactions', to the byte, and handshakes, alerts
    and so on are the rest of the connection's payload."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = recording(f"{name}.dev.pcap")
    fields = ("tcp.srcport", "tcp.dstport", "tls.record.content_type", "tls.record.length")
    command = ["tshark", "-r", str(path), "-o", f"tls.keylog_file:{path.with_name(name + '.keys')}", "-Y", "tls.record"]
    command += ["-T", "fields", *(word for field in fields for word in ("-e", field))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    records: Counter[tuple[str, str, bool]] = Counter()  # from, to, with application data
    for line in done.stdout.splitlines():
        source, target, kinds, lengths = line.split("\t")
        for kind, length in zip(kinds.split(","), lengths.split(","), strict=True):
            records[source, target, kind == APPLICATION_DATA] += int(length) + RECORD_HEADER
    assert records
    found = tables(path)
    for link in found["connections"]:
        assert link["missing_bytes"] == 0
        mine = [row for row in found["transactions"] if row["connection_id"] == link["connection_id"]]
        client, server = str(link["client_port"]), str(link["server_port"])
        for ports, side, payload in (
            ((client, server), "request", link["bytes_client"]),
            ((server, client), "response", link["bytes_server"]),
        ):
            assert sum_of(mine, f"{side}_wire_bytes") == records[*ports, True]
            assert payload == records[*ports, True] + records[*ports, False]
