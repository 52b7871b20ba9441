"""The tshark engine as a whole: however it ends, nothing of it stays, and somebody says why."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.engines.tshark import TsharkEngine, live
from analyzer.engines.tshark.fields import parameters
from analyzer.engines.tshark.program import look_for_tshark, need_tshark
from analyzer.sources import SourceError
from dissectors.events import Anomaly, Connection, Event, Transaction
from tests.engines import generator
from tests.support.places import ROOT, SAMPLES

HEALTHY, KEYS = SAMPLES / "healthy.pcap", [SAMPLES / "healthy.keys"]
PATIENCE_S = 15


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Puts a tshark of our own before all others."""
    made = folder / "tshark"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return made


def gone(group: int) -> bool:
    """Whether no process of the group is alive (a zombie that its new parent has not looked at yet is not)."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in listed.splitlines()]
    return not [stat for pgid, stat in lines if int(pgid) == group and not stat.startswith("Z")]


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


# The program ---------------------------------------------------------------------------------------------------------


def test_missing_tshark_is_one_line_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError) as error:
        TsharkEngine(HEALTHY)
    assert error.value.message == "tshark is not installed"
    assert "apt install tshark" in error.value.hint


def test_old_tshark_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, monkeypatch, "echo 'TShark (Wireshark) 3.4.10 (Git v3.4.10)'")
    with pytest.raises(SourceError) as error:
        need_tshark()
    assert error.value.message == "tshark 3.4.10 is too old"
    assert "4.0" in error.value.hint


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "printf '\\377\\000'"])
def test_a_tshark_that_is_none_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    program(tmp_path, monkeypatch, script)
    assert look_for_tshark() is None
    with pytest.raises(SourceError, match="does not say its version"):
        need_tshark()


def test_standard_input_is_refused_with_what_to_do() -> None:
    if look_for_tshark() is None:
        pytest.skip("tshark is not installed")
    with pytest.raises(SourceError, match="standard input"):
        TsharkEngine("-")


def test_paths_with_odd_characters_cannot_leave_their_preference() -> None:
    options = parameters(None, [Path('/keys/a"b,c\\d.pem')])
    assert [option for option in options if option.startswith("uat")] == [
        'uat:rsa_keys:"/keys/a\\x22b\\x2cc\\x5cd.pem",""'
    ]


# The process ---------------------------------------------------------------------------------------------------------


@pytest.mark.tshark
def test_sample_gives_transactions_before_their_connection_and_facts() -> None:
    engine = TsharkEngine(HEALTHY, KEYS)
    events = list(engine.read())
    assert [type(event) for event in events] == [*[Transaction] * 33, Connection]
    facts = engine.facts()
    assert (facts.engine, facts.frames, facts.complete, facts.link_types) == ("tshark", 237, True, ("Ethernet",))
    assert engine.next_connection_id == 2


@pytest.mark.tshark
def test_reading_that_is_given_up_leaves_no_process() -> None:
    engine = TsharkEngine(HEALTHY, KEYS)
    reading = engine.read()
    next(reading)
    group = engine.worker_pid
    assert group is not None
    reading.close()
    assert soon(lambda: gone(group))


@pytest.mark.tshark
@pytest.mark.parametrize("size", [10, 30])
def test_capture_cut_before_its_first_packet_is_unreadable(tmp_path: Path, size: int) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(HEALTHY.read_bytes()[:size])
    with pytest.raises(SourceError, match="cut short"):
        list(TsharkEngine(cut).read())


@pytest.mark.tshark
def test_capture_cut_in_the_middle_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(HEALTHY.read_bytes()[:100_000])
    engine = TsharkEngine(cut, KEYS)
    events = list(engine.read())
    assert sum(isinstance(event, Transaction) for event in events) > 10
    assert [event.code for event in events if isinstance(event, Anomaly)] == ["capture_truncated"]
    assert not engine.facts().complete


@pytest.mark.tshark
def test_tshark_that_dies_half_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = need_tshark().path
    script = f'[ "$1" = --version ] && exec {real} --version\n{real} "$@" | head -c 60000\nkill -9 $$'
    program(tmp_path, monkeypatch, script)
    engine = TsharkEngine(HEALTHY, KEYS)
    events = list(engine.read())
    assert any(isinstance(event, Connection) for event in events)
    assert [event.detail for event in events if isinstance(event, Anomaly)] == [
        "tshark stopped before the end: it was ended by signal 9"
    ]


@pytest.mark.tshark
def test_tshark_that_hangs_is_ended_with_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = need_tshark().path
    program(tmp_path, monkeypatch, f'[ "$1" = --version ] && exec {real} --version\nsleep 600')
    engine = TsharkEngine(HEALTHY)
    groups: list[int] = []

    def end() -> None:
        soon(lambda: engine.worker_pid is not None)
        groups.append(engine.worker_pid or 0)
        time.sleep(0.5)
        os.kill(groups[0], signal.SIGKILL)

    threading.Thread(target=end).start()
    with pytest.raises(SourceError, match="broke down"):
        list(engine.read())
    assert soon(lambda: gone(groups[0]))


@pytest.mark.tshark
def test_interrupted_program_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, or the end of the parent without a word: the child notices."""
    real = need_tshark().path
    program(tmp_path, monkeypatch, f'[ "$1" = --version ] && exec {real} --version\nsleep 600')
    script = (
        "import sys\nfrom analyzer.engines.tshark import TsharkEngine\n"
        "import threading, time\nengine = TsharkEngine(sys.argv[1])\n"
        "def tell():\n    while engine.worker_pid is None: time.sleep(0.01)\n    print(engine.worker_pid, flush=True)\n"
        "threading.Thread(target=tell).start()\nlist(engine.read())\n"
    )
    for number in (signal.SIGINT, signal.SIGKILL):
        parent = subprocess.Popen(
            ["env", "--default-signal=INT", sys.executable, "-c", script, str(HEALTHY)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.send_signal(number)
        parent.wait(PATIENCE_S)
        parent.stdout.close()
        assert soon(lambda: gone(group)), number  # noqa: B023  looked at before it changes


@pytest.mark.tshark
def test_several_key_logs_are_given_as_one_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    other = tmp_path / "other.keys"
    other.write_text("# nothing\n")
    engine = TsharkEngine(HEALTHY, [other, *KEYS, tmp_path / "missing.keys"])
    assert sum(isinstance(event, Transaction) for event in engine.read()) == 33
    assert [path.name for path in tmp_path.iterdir()] == ["other.keys"]


@pytest.mark.tshark
def test_config_file_in_the_working_directory_names_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.ini").write_text("[tshark]\ntshark_path = /bin/false\n")
    monkeypatch.chdir(tmp_path)
    assert sum(isinstance(event, Transaction) for event in TsharkEngine(HEALTHY, KEYS).read()) == 33


@pytest.mark.tshark
def test_secrets_do_not_leave_the_child() -> None:
    said = repr(list(TsharkEngine(HEALTHY, KEYS).read()))
    assert "c2VjcmV0" not in said  # of the Basic credentials
    assert "authorization" in said


# Live ----------------------------------------------------------------------------------------------------------------


@pytest.mark.tshark
def test_interface_that_is_not_there_is_one_line() -> None:
    with pytest.raises(SourceError) as error:
        list(live("nosuch0").read())
    assert "nosuch0" in error.value.message
    assert "doctor" in error.value.hint


@pytest.mark.tshark
def test_live_capture_sees_an_exchange_and_ends_when_told() -> None:
    """On the loopback interface, with a server that answers as from the book."""
    import socket

    server = socket.create_server(("127.0.0.1", 0))
    engine = live("lo", capture_filter=f"tcp port {server.getsockname()[1]}")
    found: list[Event] = []
    failed: list[SourceError] = []

    def read() -> None:
        try:
            found.extend(engine.read())
        except SourceError as error:
            failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    soon(lambda: engine.worker_pid is not None)
    time.sleep(2)
    with server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        near.sendall(b"OPTIONS /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: a\r\n\r\n")
        far.recv(1000)
        far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        near.recv(1000)
        near.close()
        far.close()
    time.sleep(1)
    group = engine.worker_pid
    engine.stop()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    if failed:
        pytest.skip(f"no right to capture here: {failed[0].message}")
    assert [event.response.status for event in found if isinstance(event, Transaction) and event.response] == [200]
    assert group is not None
    assert soon(lambda: gone(group))


def test_same_seed_makes_the_same_story() -> None:
    plain = [seed for seed in range(40) if generator.case(seed).tls is None]
    assert plain
    for seed in plain:
        assert generator.case(seed).packets == generator.case(seed).packets
