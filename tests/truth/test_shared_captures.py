"""The acceptance test: every recorded capture against the logs of the client, the server and the firewall.

One analysis a capture, thirteen questions each (`tests.support.compare`). Where a capture cannot answer one as well
as the logs do, the reason stands in `SLACK` or in a test of its own below; nothing is left out in silence.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support import truth
from tests.support.compare import QUESTIONS, Comparison, rows
from tests.support.places import RECORDINGS, recording

CAPTURES = (
    *("a_healthy.dev.pcap", "a_healthy.srv.pcapng"),
    *("b_blackhole.dev.pcap", "b_blackhole.dev-dsb.pcapng", "b_blackhole.srv.pcap"),
    *("c_fw_rst.dev.pcap", "c_fw_rst.dev-nsec.pcap", "c_fw_rst.srv.pcap"),
    *("d_nginx504.dev.pcap", "d_nginx504.srv.pcap"),
    *("e_nginx_kill.dev.pcap", "e_nginx_kill.srv.pcap"),
    *("g_tls12_rsa.dev.pcap", "g_tls13.dev.pcap", "g_tls13.dev-dsb.pcapng"),
    *("h_lossy.dev.pcap", "h_lossy.srv.pcap"),
    *("i_twopoint.dev.pcap", "i_twopoint.srv.pcap", "i_twopoint.fw-any.pcap", "i_twopoint.merged.pcapng"),
    "k_snap.dev.pcap",
    *("l_h2.dev.pcap", "l_h2.dev-dsb.pcapng", "l_h2.srv.pcapng"),
    *("o_abort.dev.pcap", "o_abort.srv.pcap"),
    *("q_empty.dev.pcap", "q_empty.srv.pcap"),
    *("s_hsync.dev.pcap", "s_hsync.srv.pcapng"),
    *("y_healthy.dev.pcap", "y_healthy.srv.pcap"),
)
CUT = ("k_snap.dev-snap128.pcap", "k_snap.srv-snap300.pcap")

SLACK = {
    # Why the times of a capture may differ more from the client's log: the request or its answer was lost on the
    # device's side of the path and sent again, so that the server saw the one later, or the client saw the other later.
    "h_lossy.srv.pcap": {"start_tolerance_s": 0.5, "held_tolerance_s": 0.5},
}


@cache
def analysed(name: str) -> Any:
    """A shared capture with its keys (those inside the file, where it has them)."""
    from analyzer.analysis import analyze

    capture = recording(name)
    keys = recording(f"{scenario(name)}.keys")
    return analyze([capture], keylog=[] if "-dsb" in name else [keys])


def scenario(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def point(name: str) -> str:
    """Whose knowledge the capture has. At the firewall and in a merged file it is the device's: its leg comes first."""
    return "srv" if name.split(".")[1].startswith("srv") else "dev"


@cache
def compared(name: str) -> Comparison:
    facts = truth.load(recording(f"{scenario(name)}.truth.json"))
    return Comparison(analysed(name), facts, point(name), **SLACK.get(name, {}))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", CAPTURES)
def test_capture_agrees_with_the_logs(name: str, question: str) -> None:
    assert getattr(compared(name), question)() == []


def test_every_shared_capture_has_its_place_here() -> None:
    recording("README.md")
    there = {path.name for path in RECORDINGS.iterdir() if ".pcap" in path.name}
    assert there == {*CAPTURES, *CUT}


def test_requests_refused_by_a_dead_server_are_refused_connections_and_no_requests() -> None:
    name = "e_nginx_kill.dev.pcap"
    unsent = compared(name).unsent
    assert [each.reason for each in unsent] == ["the connection was refused"] * 7
    refused = [row["start"] for row in compared(name).connections if row["conn_state"] == "REJ"]
    for each in unsent:
        assert any(abs(each.start_s - start) < 0.1 for start in refused), each


@pytest.mark.parametrize("name", ["a_healthy.dev.pcap", "o_abort.dev.pcap", "o_abort.srv.pcap", "y_healthy.dev.pcap"])
def test_nobody_is_accused_where_nobody_else_ended_a_wait(name: str) -> None:
    assert [row for row in compared(name).teardowns if row["premature"]] == []


@pytest.mark.parametrize("name", ["a_healthy.dev.pcap", "g_tls13.dev.pcap", "y_healthy.dev.pcap", "s_hsync.srv.pcapng"])
def test_tls_facts_are_those_of_the_client(name: str) -> None:
    """By the client's own TLS stack where it logs, else (pyActiveSync) by the server's access log."""
    facts = truth.load(recording(f"{scenario(name)}.truth.json"))
    used = {row["connection_id"] for _, row in compared(name).pairs}
    seen = {
        (row["tls_version"], row["tls_cipher"], row["tls_resumed"])
        for row in compared(name).connections
        if row["connection_id"] in used
    }
    logged = {
        (dial["tls"], dial["cipher"], dial["resumed"])
        for exchange in truth.device_of(facts)["exchanges"]
        for dial in exchange.get("conn") or []
    } or {
        (line["tls"].replace("TLSv", "TLS "), line["cipher"], line["resumed"] == "r")
        for line in facts["server_access_log"]
    }
    assert seen == logged


def test_sizes_of_all_collections_of_one_sync_stay_within_its_body() -> None:
    """y_healthy asks for four collections in one Sync: no byte may count for two of them."""
    comparison = compared("y_healthy.dev.pcap")
    checked = 0
    for wanted, row in comparison.pairs:
        found = [size for size in comparison.sync_sizes if size["transaction_id"] == row["transaction_id"]]
        if len(found) > 1:
            checked += 1
            assert 0 < sum(size["upload_bytes"] or 0 for size in found) < row["request_decoded_bytes"], wanted
            assert sum(size["download_bytes"] or 0 for size in found) < row["response_decoded_bytes"], wanted
            assert sum(size["download_wire_bytes"] or 0 for size in found) <= row["response_wire_bytes"], wanted
    assert checked >= 3


# ------------------------------------------------------------------------------------------ the server's private key


def test_the_private_key_alone_opens_what_the_key_log_opens() -> None:
    """TLS 1.2 with RSA key exchange and AES-CBC: every table is the same, whichever secret is given."""
    from analyzer.analysis import analyze
    from analyzer.tables.catalog import TABLES

    name = "g_tls12_rsa.dev.pcap"
    by_key = analyze([recording(name)], rsa_key=[recording("g_tls12_rsa.key.pem")])
    assert by_key.warnings == []
    for table in TABLES:
        assert rows(by_key.table(table.name)) == rows(analysed(name).table(table.name)), table.name
    assert rows(by_key.transactions)


def test_a_wait_that_the_device_cancels_on_http2_ends_no_connection() -> None:
    """RST_STREAM in mid-wait: the wait is the device's own to end, and the connection goes on."""
    for name in ("l_h2.dev.pcap", "l_h2.srv.pcapng"):
        comparison = compared(name)
        (dropped,) = [row for row in comparison.heartbeats if row["outcome"] == "replaced"]
        after = [row for row in comparison.heartbeats if row["start"] > dropped["start"]]
        assert {row["connection_id"] for row in after} == {dropped["connection_id"]}
        assert [row for row in comparison.teardowns if row["premature"]] == []


# ------------------------------------------------------------------------------------------- snap length 128 and 300


@pytest.mark.tshark
@pytest.mark.parametrize("name", CUT)
def test_cut_frames_are_counted_as_wireshark_counts_them(name: str) -> None:
    import subprocess

    command = [
        "tshark",
        "-r",
        str(recording(name)),
        "-Y",
        "frame.cap_len < frame.len",
        "-T",
        "fields",
        "-e",
        "frame.number",
    ]
    cut = len(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
    (capture,) = rows(analysed(name).captures)
    assert capture["truncated_frames"] == cut > 0


@pytest.mark.parametrize("name", CUT)
def test_cut_capture_says_what_is_missing_and_claims_nothing_false(name: str) -> None:
    """Snap lengths leave each connection's start, end and byte counts, and the TLS records that are short enough.

    What is read must be in the logs, and what was cut away is counted: the connections are not "decrypted".
    """
    comparison = compared(name)
    assert [sentence for sentence in comparison.requests() if "in nobody's log" in sentence] == []
    assert comparison.devices() == []
    used = [row for row in comparison.connections if row["server_port"] == 443]
    assert len(used) == 2
    for row in used:
        assert row["decryption"] in ("encrypted", "partial"), row
        assert row["why_encrypted"], row
        assert row["missing_bytes"] > 0


@pytest.mark.parametrize(
    "question", ["requests", "devices", "statuses", "waits_found", "held", "premature", "sizes_where_known"]
)
def test_300_bytes_a_frame_are_enough_for_every_request_wait_and_death(question: str) -> None:
    """The heads of requests and answers fit into 300 bytes, their bodies do not: who asked what, when, and how long it
    was held is known; the requested interval, the Ping status and the folders are not, and nothing is said about them.
    """
    comparison = compared("k_snap.srv-snap300.pcap")
    if question == "sizes_where_known":  # from Content-Length or from the cut record's length; absent is right too
        for wanted, row in comparison.pairs:
            for column, size in wanted.sizes.items():
                if row[column] is not None and not column.endswith("decoded_bytes"):
                    assert row[column] == size, (str(wanted), column)
    else:
        assert getattr(comparison, question)() == []
    assert {row["requested_source"] for row in comparison.heartbeats} == {"unknown"}
    assert {row["outcome"] for row in comparison.heartbeats} == {"unknown", "torn_down"}
    assert {row["ping_status"] for row in comparison.heartbeats} == {None}


def test_128_bytes_a_frame_show_no_command_and_accuse_nobody() -> None:
    """The request line of OPTIONS fits; no other is whole: no wait, no judgement; the connections' endings remain."""
    comparison = compared("k_snap.dev-snap128.pcap")
    assert [wanted.command for wanted, _ in comparison.pairs] == ["OPTIONS"]
    assert comparison.heartbeats == []
    assert [row for row in comparison.teardowns if row["premature"]] == []


def test_cut_capture_has_the_same_connections_as_the_whole_one() -> None:
    """Both were taken in one run at one point: the headers that are left tell the same about TCP."""
    columns = ("client_port", "start", "end", "frames_client", "frames_server", "conn_state", "history")
    whole, cut = compared("k_snap.dev.pcap"), compared("k_snap.dev-snap128.pcap")
    for one, other in zip(whole.connections, cut.connections, strict=True):
        assert [one[column] for column in columns] == [other[column] for column in columns]
        assert one["retransmissions"] == other["retransmissions"]
        sent = other["bytes_client"] + other["bytes_server"] + other["missing_bytes"]
        assert sent == one["bytes_client"] + one["bytes_server"]


def test_the_path_of_a_capture_does_not_matter(tmp_path: Path) -> None:
    """A copy under another name gives the same rows."""
    from analyzer.analysis import analyze

    copy = tmp_path / "renamed.bin"
    copy.write_bytes(recording("a_healthy.dev.pcap").read_bytes())
    again = analyze([copy], keylog=[recording("a_healthy.keys")])
    assert rows(again.transactions) == rows(analysed("a_healthy.dev.pcap").transactions)
