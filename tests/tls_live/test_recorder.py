"""The recorder is an oracle: what it writes must be beyond doubt, and it must leave nothing behind."""

import subprocess
import threading
from pathlib import Path

import pytest

from tests.support.tls_recording.packets import packets
from tests.support.tls_recording.programs import ProgramError
from tests.support.tls_recording.recorder import Ends, Presses, Recorder, Scenario, Visit, exchange
from tests.tls_live.conftest import Record
from tests.tls_live.reading import write
from tests.tls_live.scenarios import by_name, suite_of


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["session id, 1.2 rsa cbc", "large, 1.3 gcm"])
def test_captures_are_sound_tcp(record: Record, name: str, tmp_path: Path) -> None:
    capture = write(tmp_path / "capture.pcap", record(by_name(name)))
    odd = (
        "tcp.analysis.flags || _ws.malformed || tcp.checksum.status==0 || ip.checksum.status==0 || frame.time_delta<=0"
    )
    command = ["tshark", "-n", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    for expression, wanted in ((f"({odd}) && frame.number>1", False), ("tcp.completeness==31", True)):
        done = subprocess.run([*command, "-Y", expression], capture_output=True, check=True, timeout=60)
        assert bool(done.stdout) == wanted


def test_packets_carry_every_byte_in_order(record: Record) -> None:
    recording = record(by_name("large, 1.3 gcm"))
    (conversation,) = recording.conversations
    made = packets(conversation)
    for side in (0, 1):
        mine = [packet for packet in made if packet.side == side]
        assert b"".join(packet.payload for packet in mine) == conversation.stream(side)
        payload = [packet for packet in mine if packet.payload]
        ends = [packet.seq + len(packet.payload) for packet in payload]
        assert [packet.seq for packet in payload] == [1, *ends[:-1]]
    times = [packet.time_ns for packet in made]
    assert times == sorted(set(times))


def test_a_scenario_that_does_not_happen_is_an_error_and_leaves_no_thread(tmp_path: Path) -> None:
    one = suite_of("1.3 gcm")
    impossible = (
        Scenario(name="nobody says so", suite=one, visits=(Visit(shows=("Hello, world",)),)),
        Scenario(
            name="the server dies",
            suite=one,
            server=("-Verify", "1"),
            visits=(Visit(talk=(Ends(), *exchange("too late"), Presses(0, "k"))),),
        ),
    )
    before = threading.active_count()
    for scenario in impossible:
        with Recorder(tmp_path) as recorder, pytest.raises(ProgramError):
            recorder.record(scenario)
    assert threading.active_count() == before
