"""Recordings with their truth: the samples with a made view from the server, the full set, and the lab's."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from analyzer.pair import Pairing, pair
from dissectors.events import CLIENT, SERVER
from tests.analyzer.pair.views import Clocks, Seen, behind_nat
from tests.dissectors.net.wire import SECOND
from tests.support.places import SAMPLES, recording

ODD = Clocks(3600 * SECOND, -30e-6)
RST = 4


def sample(name: str, directory: Path, server: bytes, device: bytes | None = None, keys: bool = True) -> Pairing:
    here, there = directory / "device.pcap", directory / "server.pcap"
    here.write_bytes((SAMPLES / f"{name}.pcap").read_bytes() if device is None else device)
    there.write_bytes(server)
    return pair(here, there, [SAMPLES / f"{name}.keys"] if keys else [])


@pytest.mark.parametrize("keys", [True, False], ids=["keys", "no keys"])
@pytest.mark.parametrize(
    ("name", "who"),
    [("healthy", "device"), ("user_opens_app", "device"), ("server_killed", "server"), ("hanging_sync", "device")],
)
def test_where_everything_passes_the_ends_have_closed(tmp_path: Path, name: str, who: str, keys: bool) -> None:
    found = sample(name, tmp_path, behind_nat(SAMPLES / f"{name}.pcap", clocks=ODD), keys=keys)
    assert {one.by for one in found.pairs} <= {"client_random", "sequence_numbers"}
    assert found.only_device == found.only_server == []
    assert found.pairs[0].ending.by == who
    assert not {one.ending.by for one in found.pairs} & {"between", "path", "unknown"}
    start = found.pairs[0].device.start_ns
    assert abs(found.clock.to_device(ODD.at_server(start)) - start) <= 2 * found.clock.error_ns


def test_resets_of_a_firewall_are_missing_at_the_server(tmp_path: Path) -> None:
    capture = SAMPLES / "resetting_firewall.pcap"
    server = behind_nat(capture, lambda seen: not (seen.flags & RST and seen.side == SERVER), ODD)
    found = sample("resetting_firewall", tmp_path, server)
    cut = [one for one in found.pairs if one.ending.by == "between"]
    truth = json.loads((SAMPLES / "resetting_firewall.truth.json").read_text())
    closed = [
        one
        for device in truth["devices"]
        for one in device["exchanges"]
        if one["outcome"] == "connection-closed-by-peer"
    ]
    assert cut
    assert len(cut) <= max(len(closed), 3)
    assert all("device" in one.ending.towards for one in cut)


def test_resets_that_both_captures_have_are_nobody_elses(tmp_path: Path) -> None:
    found = sample("resetting_firewall", tmp_path, behind_nat(SAMPLES / "resetting_firewall.pcap", clocks=ODD))
    assert {one.ending.by for one in found.pairs} <= {"device", "server"}


@pytest.mark.parametrize("lame", [CLIENT, SERVER], ids=["device's capture", "server's capture"])
@pytest.mark.parametrize("name", ["user_opens_app", "server_killed"])
def test_capture_that_lost_any_one_packet_accuses_nobody(tmp_path: Path, name: str, lame: int) -> None:
    """Near the end of the connections, where it matters: each packet in turn is missing in one of the captures."""
    capture = SAMPLES / f"{name}.pcap"
    ends: list[int] = []

    def closing(seen: Seen) -> bool:
        if seen.flags & 5:
            ends.append(seen.number)
        return True

    behind_nat(capture, closing)
    tried = sorted({number + step for number in ends for step in (-1, 0, 1)})
    raw = capture.read_bytes()
    for lost in tried:
        server = behind_nat(capture, lambda seen, lost=lost: lame == CLIENT or seen.number != lost, ODD)
        device = without(raw, lost) if lame == CLIENT else raw
        found = sample(name, tmp_path, server, device, keys=False)
        assert [one.device.client.port for one in found.pairs if one.ending.by == "between"] == [], lost


def without(data: bytes, lost: int) -> bytes:
    """The capture without one frame."""
    place, number, out = 24, 0, [data[:24]]
    while place < len(data):
        end = place + 16 + int.from_bytes(data[place + 8 : place + 12], "little")
        number += 1
        if number != lost:
            out.append(data[place:end])
        place = end
    return b"".join(out)


# -- the full set ----------------------------------------------------------------------------------------------------


FULL = {  # NAME: device's capture, server's, who ended each connection, from the truth files' stories
    "a_healthy": ("a_healthy.dev.pcap", "a_healthy.srv.pcapng", ["device"]),
    "b_blackhole": ("b_blackhole.dev.pcap", "b_blackhole.srv.pcap", ["between", "between", "device"]),
    "c_fw_rst": ("c_fw_rst.dev.pcap", "c_fw_rst.srv.pcap", ["between", "between", "between"]),
    "d_nginx504": ("d_nginx504.dev.pcap", "d_nginx504.srv.pcap", ["device"]),
    "e_nginx_kill": ("e_nginx_kill.dev.pcap", "e_nginx_kill.srv.pcap", ["server"] * 8 + ["device"]),
    "i_twopoint": ("i_twopoint.dev.pcap", "i_twopoint.srv.pcap", ["between", "path"]),
    "l_h2": ("l_h2.dev.pcap", "l_h2.srv.pcapng", ["device"]),
    "o_abort": ("o_abort.dev.pcap", "o_abort.srv.pcap", ["device"] * 4),
    "s_hsync": ("s_hsync.dev.pcap", "s_hsync.srv.pcapng", ["device"]),
}


@pytest.mark.parametrize("name", FULL)
def test_recorded_pair_agrees_with_its_story(name: str) -> None:
    device, server, who = FULL[name]
    found = pair(recording(device), recording(server), [recording(f"{name}.keys")])
    assert [one.ending.by for one in found.pairs] == who
    assert found.clock.error_ns < 50_000_000
    assert abs(found.clock.offset_ns) <= found.clock.error_ns  # one machine recorded both


def test_timer_lies_inside_the_interval_that_two_points_show() -> None:
    for name in ("b_blackhole", "c_fw_rst", "i_twopoint"):
        timer = pair(recording(f"{name}.dev.pcap"), recording(f"{name}.srv.pcap")).timer
        true = json.loads(recording(f"{name}.truth.json").read_text())["middlebox"]["tcp_established_timeout"]
        assert timer is not None
        assert timer.low_s < true < timer.high_s


@pytest.mark.parametrize(("device", "server"), [("dev", "fw-any"), ("fw-any", "srv")])
def test_capture_of_both_legs_is_compared_by_the_leg_further_away(device: str, server: str) -> None:
    found = pair(recording(f"i_twopoint.{device}.pcap"), recording(f"i_twopoint.{server}.pcap"))
    assert [one.device.client.ip != one.server.client.ip for one in found.pairs] == [True, True]
    assert {one.ending.by for one in found.pairs} <= {"between", "path"}


def test_snap_lengths_do_not_matter() -> None:
    found = pair(recording("k_snap.dev-snap128.pcap"), recording("k_snap.srv-snap300.pcap"))
    assert len(found.pairs) == 2
    assert all(flow.changed["payload"] == 0 for one in found.pairs for flow in one.comparison.flows)


# -- the lab ---------------------------------------------------------------------------------------------------------


LAB = Path(os.environ.get("DIRECTPUSH_LAB", ""))
SCENARIOS = sorted(path.name.removesuffix(".truth.json") for path in LAB.glob("*.truth.json")) if LAB.name else []


def allowed(words: set[str]) -> set[str]:
    """What may be said of an end that each point alone may describe so."""
    if "middlebox" in words:
        return {"between", "path"}
    if words == {"server_side"}:
        return {"server"}
    if words == {"client"}:
        return {"device"}
    return {"path", "between", "device"} if words <= {"path", "client", "unknown"} else {"device", "server"}


def truth(name: str) -> dict[int, set[str]]:
    """By port of the device: who may be said to have ended the connection."""
    told = json.loads((LAB / f"{name}.truth.json").read_text())
    words: dict[str, set[str]] = defaultdict(set)
    fates: dict[int, str] = {}
    for end in told.get("ends", []):
        if end["fate"] not in ("cut", "http_error"):
            words[end["fate"]] |= set(told["expected"][end["fate"]][end["point"]]["ended_by"].split("|"))
            if end["point"] == "dev":
                fates.setdefault(end["port"], end["fate"])
    return {port: allowed(words[fate]) for port, fate in fates.items()}


@pytest.mark.skipif(not SCENARIOS, reason="DIRECTPUSH_LAB names no directory with recordings of the lab")
@pytest.mark.parametrize("keys", [True, False], ids=["keys", "no keys"])
@pytest.mark.parametrize("name", SCENARIOS or [""])
def test_lab_recording_agrees_with_its_truth(name: str, keys: bool) -> None:
    found = pair(LAB / f"{name}.dev.pcap", LAB / f"{name}.srv.pcap", [LAB / f"{name}.keys"] if keys else [])
    true = truth(name)
    for one in found.pairs:
        said, ending = true.get(one.device.client.port), one.ending
        if said is not None and ending.by not in ("unknown", "nobody"):
            assert {"device", "server"} & said if ending.by == "both" else ending.by in said, one.device.client.port
    assert abs(found.clock.offset_ns) <= found.clock.error_ns
    answers = [one for one in found.relayed.found if one.fate == "made"]
    assert all(one.device.status in (502, 504) for one in answers)
    assert bool(answers) == (keys and name in ("nginx_502", "nginx_504", "haproxy_504"))
