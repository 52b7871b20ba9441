"""The whole chain on the made samples: deliveries, latencies to the millisecond and the finding, against the truth."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.compare import rows
from tests.support.places import SAMPLES

NAMES = ("frontend_blocked", "frontend_healthy", "frontend_lost", "frontend_moved_port")
LATENCIES = ("notify_to_ping_s", "ping_to_sync_s", "sync_done_s", "total_s")
MILLISECOND = 0.0005


@cache
def truth(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.truth.json").read_text())


@cache
def analysed(name: str) -> Any:
    from analyzer.analysis import analyze

    return analyze([SAMPLES / f"{name}.pcap"])


def table(name: str, of: str) -> list[dict[str, Any]]:
    return rows(analysed(name).table(of))


@pytest.mark.parametrize("name", NAMES)
def test_deliveries_are_those_of_the_truth_to_the_millisecond(name: str) -> None:
    wanted, found = truth(name)["deliveries"], table(name, "deliveries")
    assert [row["outcome"] for row in found] == [row["outcome"] for row in wanted]
    assert [row["time"] for row in found] == pytest.approx([row["time"] for row in wanted], abs=MILLISECOND)
    for latency in LATENCIES:
        expected = [row[latency] for row in wanted]
        assert [row[latency] is None for row in found] == [value is None for value in expected], latency
        for row, value in zip(found, expected, strict=True):
            assert value is None or row[latency] == pytest.approx(value, abs=MILLISECOND), latency


@pytest.mark.parametrize("name", NAMES)
def test_notifications_are_those_that_were_captured(name: str) -> None:
    wanted = [row for row in truth(name)["notifications"] if row["captured"]]
    assert [
        (
            pytest.approx(row["time"], abs=1e-6),
            row["source_ip"],
            row["destination_ip"],
            row["destination_port"],
            row["subscription_ids"],
            row["refused_by"],
        )
        for row in table(name, "notifications")
    ] == [
        (row["time"], row["source"], row["destination"], row["port"], [*map(str, row["ids"])], row["refused_by"])
        for row in wanted
    ]


@pytest.mark.parametrize("name", NAMES)
def test_subscriptions_live_as_long_as_they_did(name: str) -> None:
    found = table(name, "subscriptions")
    assert [
        (row["subscription_id"], row["folder"], row["renewals"], row["polls"], row["call_back"], row["end"] is None)
        for row in found
    ] == [
        (str(row["id"]), row["folder"], row["renewals"], row["polls"], row["call_back"], row["end"] is None)
        for row in truth(name)["subscriptions"]
    ]
    for row, wanted in zip(found, truth(name)["subscriptions"], strict=True):
        assert row["start"] == pytest.approx(wanted["start"], abs=1e-6)
        assert wanted["end"] is None or row["end"] == pytest.approx(wanted["end"], abs=1e-6)
        assert row["mailbox"] == "anna"


@pytest.mark.parametrize("name", NAMES)
def test_each_subscription_belongs_to_the_wait_that_it_was_made_for(name: str) -> None:
    waits = [set(map(str, row["subscriptions"])) for row in truth(name)["waits"]]
    heartbeats = [row["heartbeat_id"] for row in table(name, "heartbeats")]
    assert len(heartbeats) == len(waits)
    found: dict[int, set[str]] = {}
    for row in table(name, "subscriptions"):
        assert row["joined_by"] == "folder"
        found.setdefault(row["heartbeat_id"], set()).add(row["subscription_id"])
    assert found == dict(zip(heartbeats, waits, strict=True))


def findings(name: str) -> list[dict[str, Any]]:
    return [row for row in table(name, "findings") if row["code"].startswith("DP12")]


@pytest.mark.parametrize("name", ["frontend_healthy", "frontend_moved_port"])
def test_healthy_pair_has_no_finding_and_no_anomaly(name: str) -> None:
    assert findings(name) == []
    assert table(name, "anomalies") == []


def test_blocked_port_is_one_clear_finding() -> None:
    (finding,) = findings("frontend_blocked")
    assert (finding["code"], finding["severity"], finding["confidence"]) == ("DP120", "error", "proven")
    assert finding["title"] == (
        "Notifications from 10.0.0.5 to 10.0.0.4:2883 are refused by 10.0.0.1 (ICMP administratively prohibited)."
    )
    assert "All 3 notifications" in finding["detail"]
    assert "387 s later (median; at most 442 s)" in finding["detail"]  # 387.15, 180.65 and 441.9 s in the story
    assert list(finding["frames"]) == [25, 26, 27, 28, 65, 66]


def test_lost_notifications_are_one_clear_finding() -> None:
    (finding,) = findings("frontend_lost")
    assert (finding["code"], finding["severity"], finding["confidence"]) == ("DP121", "error", "likely")
    assert finding["title"] == "Notifications from 10.0.0.5 to 10.0.0.4:2883 get lost."
    assert "2 of 3 changes" in finding["detail"]
    assert "the waits had lasted 480 s by then" in finding["detail"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("frontend_blocked", "Between the servers: 3 notifications, all refused."),
        (
            "frontend_lost",
            "Between the servers: 3 notifications, 1 delivered (median 36 ms to the Ping's answer, 654 ms from there "
            "to the Sync) and 2 lost.",
        ),
    ],
)
def test_line_for_the_summary(name: str, line: str) -> None:
    from analyzer.findings import notified
    from analyzer.findings.case import Case

    assert notified.line(Case(analysed(name).lazy)) == line


def test_devices_side_alone_has_deliveries_and_no_line_and_no_finding() -> None:
    """A recorded capture of a device: each Ping that told of changes, and the Sync that followed."""
    from analyzer.analysis import analyze
    from analyzer.findings import notified
    from analyzer.findings.case import Case

    analysis = analyze([SAMPLES / "healthy.pcap"], keylog=[SAMPLES / "healthy.keys"])
    assert notified.line(Case(analysis.lazy)) is None
    woken = {row["heartbeat_id"]: row for row in rows(analysis.heartbeats) if row["outcome"] == "changes"}
    found = rows(analysis.deliveries)
    sent = {row["transaction_id"]: row for row in rows(analysis.transactions)}
    assert {row["heartbeat_id"] for row in found} == set(woken)
    assert len(found) == 2  # the two mails of its README entry
    for row in found:
        sync = sent[row["transaction_id"]]
        assert (sync["command"], row["outcome"], row["not_seen"]) == ("Sync", "delivered", ["notification"])
        assert row["time"] == woken[row["heartbeat_id"]]["end"]
        assert row["ping_to_sync_s"] == pytest.approx(sync["request_start"] - row["time"], abs=1e-6)
        assert row["sync_done_s"] == pytest.approx(sync["response_end"] - sync["request_start"], abs=1e-6)
        assert row["notify_to_ping_s"] is None
    assert [row for row in rows(analysis.findings) if row["code"].startswith("DP12")] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_left_after_pseudonymizing(name: str) -> None:
    from analyzer.tables.pseudonyms import pseudonymized

    for frame in pseudonymized(analysed(name).tables()).values():
        assert "anna" not in frame.astype(object).to_string().lower()


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_what_the_program_makes(name: str, tmp_path: Path) -> None:
    from samples.made.stage import save
    from samples.made.stories import load_all

    story = load_all()[name]
    for made in save(story.make(), tmp_path, name, story.ABOUT):
        assert made.read_bytes() == (SAMPLES / made.name).read_bytes()
        assert made.stat().st_size < 100_000


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_tshark_shows_the_same_notifications(name: str) -> None:
    """Decoded as SSDP, which is HTTP over UDP to tshark: it does not know the port, and takes no plain HTTP there."""
    import subprocess

    port = truth(name)["notifications"][0]["port"]
    command = ["tshark", "-r", str(SAMPLES / f"{name}.pcap"), "-d", f"udp.port=={port},ssdp", "-Y", "ssdp && !icmp"]
    run = subprocess.run([*command, "-V"], check=True, capture_output=True, text=True)
    lines = [line.strip().removesuffix("\\r\\n") for line in run.stdout.splitlines()]
    frames = [
        int(line.split()[1].rstrip(":")) for line in lines if line.startswith("Frame ") and "bytes on wire" in line
    ]
    targets = [line.removeprefix("Request URI: ") for line in lines if line.startswith("Request URI: ")]
    ids = [line.removeprefix("Subscription-id: ") for line in lines if line.startswith("Subscription-id: ")]
    found = table(name, "notifications")
    assert len(found) >= 1
    assert frames == [row["frame"] for row in found]
    assert targets == [row["call_back"] for row in found]
    assert ids == [", ".join(row["subscription_ids"]) for row in found]
