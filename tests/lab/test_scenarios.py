"""The scenarios as data, the forged packets, and how the comparison counts: what needs neither root nor a network."""

import struct
from typing import Any

import pytest

from analyzer.tables.catalog import TABLES
from dissectors.eas.wbxml import decode
from samples.lab import eas, shared
from samples.lab.box import RST, Leg, checksum, forged
from samples.lab.confusion import Result, _compare, _timers, markdown
from samples.lab.middle import Firewall, Proxy, haproxy, nginx, rules
from samples.lab.scenario import FATES, POINTS, load_all
from samples.lab.truth import _at_server, _fates

SCENARIOS = load_all()
VALUES = {
    column.name: {word for word, _ in column.values}
    for table in TABLES
    if table.name == "teardowns"
    for column in table.columns
    if column.kind == "enum"
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_tells_its_story_and_asks_for_what_the_tables_can_say(name: str) -> None:
    named = SCENARIOS[name]
    assert named.about.splitlines()[0].endswith(".")
    assert set(named.expected) <= set(FATES)
    for points in named.expected.values():
        assert set(points) <= set(POINTS)
        for end in points.values():
            for column in ("mechanism", "ended_by", "cause"):
                assert set(getattr(end, column).split("|")) <= VALUES[column], (name, column)


def test_what_the_lab_says_is_activesync() -> None:
    for body, root in (
        (eas.foldersync_request(), "FolderSync"),
        (eas.foldersync_response(), "FolderSync"),
        (eas.sync_request("5", "1", 9), "Sync"),
        (eas.sync_response("5", "2", 3), "Sync"),
        (eas.ping_request(9, ["5", "6"]), "Ping"),
        (eas.ping_response(eas.CHANGED, ["5"]), "Ping"),
    ):
        document = decode(body)
        assert document.complete
        assert document.anomalies == ()
        assert document.root is not None
        assert document.root.name == root
    assert eas.text_of(eas.ping_request(9, ["5"]), "HeartbeatInterval") == "9"
    assert eas.text_of(b"", "Status") is None


# A packet of 203.0.113.10:443 to 192.168.10.20:40000 with TTL 63 and 4 bytes of payload; checksums do not matter here.
FRAME = bytes.fromhex(
    "020000000002020000000001 0800"  # Ethernet
    "4500002c 12344000 3f060000 cb00710a c0a80a14"  # IPv4: 44 bytes, TTL 63, TCP
    "01bb9c40 000003e8 000007d0 50180200 00000000 61626364"  # 443 → 40000, seq 1000, ack 2000, PSH ACK
)


@pytest.mark.parametrize(("ttl", "seen"), [(None, 63), (64, 64)])
def test_forged_reset_has_the_peers_addresses_and_the_next_sequence_number(ttl: int | None, seen: int) -> None:
    frame = forged(Leg(frame=FRAME, next_seq=1004, next_ack=2000), ttl, ack=True)
    assert frame[:14] == FRAME[:14]
    ip, tcp = frame[14:34], frame[34:]
    assert (ip[8], ip[12:20]) == (seen, FRAME[26:34])
    assert checksum(ip) == 0
    assert struct.unpack("!HHII", tcp[:12]) == (443, 40000, 1004, 2000)
    assert tcp[13] == RST | 0x10
    assert checksum(ip[12:20] + struct.pack("!HH", 6, len(tcp)) + tcp) == 0


def test_forged_reset_without_ack_says_no_acknowledgement_number() -> None:
    tcp = forged(Leg(frame=FRAME, next_seq=1004, next_ack=2000), None, ack=False, ahead=1460)[34:]
    assert struct.unpack("!II", tcp[4:12]) == (2464, 0)
    assert tcp[13] == RST


def test_firewall_and_proxies_get_the_timers_that_the_scenario_names() -> None:
    assert "reject with tcp reset" in rules(Firewall(idle_s=5, late="reject"), devices=1)
    assert "reject" not in rules(Firewall(idle_s=5, late="drop"), devices=3)
    assert "203.0.113.22" in rules(Firewall(), devices=3)
    assert "proxy_read_timeout 5s" in nginx(Proxy(program="nginx", timeout_s=5), "/tmp/x", "c.pem")
    tcp = haproxy(Proxy(program="haproxy", mode="tcp", timeout_s=5, reset=True), "c.pem")
    assert tcp.count("nolinger") == 2
    assert "timeout client 5s" in tcp
    assert "ssl crt" not in tcp


# --------------------------------------------------------------------------------------------------- fates and counts


def exchange(local: str, outcome: str, seq: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "kind": "exchange",
        "t": 3.0,
        "seq": seq,
        "conn": [{"local": local}],
        "outcome": outcome,
        "t_end": 3.0,
        **more,
    }


def asked(local: str, seq: int = 1) -> dict[str, Any]:
    return {"kind": "asks", "t": 1.0, "seq": seq, "cmd": "Ping", "local": local}


def closed(local: str) -> dict[str, Any]:
    return {"kind": "closed", "t": 4.0, "local": local, "why": "the script is over"}


LOCAL = "192.168.10.20:40000"
CONNECTED = {"kind": "connected", "t": 0.5, "local": LOCAL}


@pytest.mark.parametrize(
    ("diary", "fate", "wait"),
    [
        ([exchange(LOCAL, "ok"), closed(LOCAL)], "closed", False),
        ([exchange(LOCAL, "client-timeout", heartbeat_requested=9), closed(LOCAL)], "killed", True),
        ([exchange(LOCAL, "connection-reset"), closed(LOCAL)], "killed", False),
        ([exchange(LOCAL, "client-aborted", heartbeat_requested=9), closed(LOCAL)], "aborted", True),
        ([exchange(LOCAL, "ok")], "cut", False),
        ([exchange(LOCAL, "ok"), asked(LOCAL, seq=2)], "lost", True),
    ],
)
def test_fate_of_a_connection_is_what_the_device_wrote(diary: list[dict[str, Any]], fate: str, wait: bool) -> None:
    (end,) = _fates([CONNECTED, *diary])
    assert (end["port"], end["fate"], end["wait"]) == (40000, fate, wait)


def test_error_page_is_an_end_of_its_own_on_a_connection_that_lives_on() -> None:
    page = exchange(LOCAL, "http-504", heartbeat_requested=9, t_first_byte=2.0)
    ends = _fates([CONNECTED, page, exchange(LOCAL, "ok", seq=2), closed(LOCAL)])
    assert [(end["fate"], end["t"]) for end in ends] == [("http_error", 2.0), ("closed", 4.0)]


def test_behind_a_proxy_connections_are_joined_by_the_request() -> None:
    server = [
        {"kind": "accepted", "t": 1.0, "conn": 1, "peer": "10.0.0.1:55555"},
        {"kind": "request", "t": 1.1, "conn": 1, "lab_request": "LAB00/7"},
    ]
    outcomes = {"LAB00/7": exchange(LOCAL, "http-504", heartbeat_requested=9)}
    (end,) = _at_server(server, [], outcomes, behind_proxy=True)
    assert (end["point"], end["port"], end["fate"], end["wait"]) == ("srv", 55555, "http_error", True)


WANTED = {"mechanism": "silent", "ended_by": "path|middlebox", "cause": "unknown", "premature": True}
END = {"fate": "killed", "port": 1, "wait": True, "t": 1.0}


@pytest.mark.parametrize(
    ("ended_by", "cause", "verdicts", "accused"),
    [
        ("path", "unknown", ("right", "right"), False),
        ("unknown", "unknown", ("unknown", "right"), False),
        ("middlebox", "idle_timeout", ("right", "wrong"), True),
        ("server_side", "endpoint_close", ("wrong", "wrong"), False),
    ],
)
def test_an_accusation_is_a_blamed_box_that_had_no_part(
    ended_by: str, cause: str, verdicts: tuple[str, str], accused: bool
) -> None:
    row = {"mechanism": "silent", "ended_by": ended_by, "cause": cause, "premature": True, "teardown_id": 1}
    judged = _compare("x.dev.pcap", "dev", END, WANTED, row)
    assert (judged.verdicts["ended_by"], judged.verdicts["cause"]) == verdicts
    assert judged.accused == accused


def test_nothing_said_is_missing_and_no_accusation() -> None:
    judged = _compare("x.dev.pcap", "dev", END, WANTED, None)
    assert set(judged.verdicts.values()) == {"missing"}
    assert not judged.accused


@pytest.mark.parametrize(
    ("true_s", "low_s", "high_s", "deaths", "verdict"),
    [
        (5.0, 4.0, 9.0, 3, "right"),
        (5.0, 6.0, 9.0, 3, "wrong"),
        (5.0, 4.0, None, 0, "no timer claimed"),
        (5.0, 7.0, None, 0, "wrong"),
        (None, 4.0, 9.0, 3, "wrong"),
        (None, 4.0, 9.0, 1, "no timer claimed"),
    ],
)
def test_timer_is_right_when_it_lies_inside(
    true_s: float | None, low_s: float, high_s: float | None, deaths: int, verdict: str
) -> None:
    row = {"low_s": low_s, "high_s": high_s, "deaths": deaths, "behaviour": "silent"}
    (timer,) = _timers("x.dev.pcap", true_s, [row])
    assert timer.verdict == verdict


def test_markdown_has_the_matrices_and_names_what_is_wrong() -> None:
    row = {"mechanism": "silent", "ended_by": "middlebox", "cause": "idle_timeout", "premature": True, "teardown_id": 1}
    result = Result(ends=[_compare("x.dev.pcap", "dev", END, WANTED, row)])
    text = markdown(result)
    assert "| **unknown** | 1 |" in text
    assert "- x.dev.pcap, port 1: said mechanism silent, ended_by middlebox, cause idle_timeout" in text
    assert not result.good


def test_every_shared_capture_that_is_judged_exists() -> None:
    if not shared.DIRECTORY.is_dir():
        pytest.skip("the full set of recordings (../shared/captures) is not beside this repository")
    assert [name for name in shared.CAPTURES if not (shared.DIRECTORY / name).exists()] == []
    assert [end["fate"] for end in shared.truth("d_nginx504.dev.pcap")["ends"]] == ["http_error"] * 4
    assert shared.truth("a_healthy.dev.pcap")["ends"] == []
