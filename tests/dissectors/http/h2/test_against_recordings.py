"""A recorded HTTP/2 connection (nginx and a Go client, TLS 1.3) against the logs of both and against tshark."""

import json
import subprocess
from collections import Counter, defaultdict
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from dissectors.capture import open_capture
from dissectors.events import CLIENT, SERVER, Anomaly, Connection, Event, Transaction
from dissectors.net.columns import Connections
from dissectors.net.packets import PacketDecoder
from dissectors.net.segments import segments
from dissectors.stream import ConnectionStream, Shared
from dissectors.tls import KeyLog
from tests.support.places import recording

CAPTURES = ["l_h2.dev.pcap", "l_h2.dev-dsb.pcapng", "l_h2.srv.pcapng"]


@cache
def events(name: str) -> list[Event]:
    """Everything that is read from a capture."""
    data = np.fromfile(recording(name), np.uint8)
    reader = open_capture(data[:4096].tobytes())
    frames, _ = reader.parse(data, last=True)
    keylog = KeyLog()
    for blob in reader.secrets if "-dsb" in name else [recording("l_h2.keys").read_bytes()]:
        assert keylog.add(blob, "keys") == []
    shared = Shared(keylog)
    connections = Connections(lambda number: ConnectionStream(number, shared), 0, 1)
    tcp, _ = PacketDecoder().decode(frames)[:2]
    found, _ = segments(tcp)
    return [*connections.block(found), *connections.finish()]


def transactions(name: str) -> list[Transaction]:
    return sorted((e for e in events(name) if isinstance(e, Transaction)), key=lambda t: t.number)


@cache
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(recording("l_h2.truth.json").read_text())
    return loaded


@pytest.mark.parametrize("name", CAPTURES)
def test_the_connection_is_read_and_nothing_is_odd(name: str) -> None:
    assert [e for e in events(name) if isinstance(e, Anomaly)] == []
    (connection,) = [e for e in events(name) if isinstance(e, Connection)]
    assert connection.tls is not None
    assert (connection.tls.alpn, connection.decryption) == ("h2", "decrypted")


@pytest.mark.parametrize("name", CAPTURES)
def test_every_request_of_the_client_is_found_with_its_sizes_and_times(name: str) -> None:
    exchanges = sorted(truth()["devices"][0]["exchanges"], key=lambda exchange: exchange["t_start"])
    found = transactions(name)
    assert len(found) == len(exchanges)
    for t, logged in zip(found, exchanges, strict=True):
        request, response = t.request, t.response
        assert request is not None
        url = urlsplit(logged["url"])
        assert request.target == url.path + (f"?{url.query}" if url.query else "")
        assert (request.method, request.headers["host"]) == (logged["method"], url.netloc)
        assert request.headers["user-agent"] == logged["req_User-Agent"]
        assert (request.body_bytes, request.complete) == (logged["req_body_wire"], True)
        assert -0.1 < request.start_ns / 1e9 - logged["t_start"] < 0.3
        if logged["outcome"] == "client-aborted":
            assert response is None
            assert t.stream_reset is not None
            assert (t.stream_reset.side, t.stream_reset.error_code) == (CLIENT, 8)  # CANCEL
            assert abs(t.stream_reset.time_ns / 1e9 - logged["t_end"]) < 0.1
            continue
        assert response is not None
        assert t.stream_reset is None
        assert response.status == logged["http_status"]
        assert (response.body_bytes, response.decoded_bytes) == (logged["resp_body_wire"], logged["resp_body_plain"])
        assert abs(response.start_ns / 1e9 - logged["t_first_byte"]) < 0.1


@pytest.mark.parametrize("name", CAPTURES)
def test_the_bytes_of_each_answer_are_those_that_the_server_counted(name: str) -> None:
    """nginx logs the bytes it sent, frame headers included, and of a request the payloads of its frames."""
    logged = Counter(
        (line["req"].split()[1], line["status"], line["bytes_sent"], line["body_bytes_sent"])
        for line in truth()["server_access_log"]
        if line["status"] != 499
    )
    assert logged == Counter(
        (t.request.target, t.response.status, t.response.http_bytes, t.response.body_bytes)
        for t in transactions(name)
        if t.request and t.response
    )
    payloads = Counter(line["request_length"] for line in truth()["server_access_log"])
    sent = Counter(
        t.request.http_bytes - 9 * (2 if t.request.body_bytes else 1) - (13 if t.stream_reset else 0)
        for t in transactions(name)
        if t.request
    )
    assert payloads == sent


@pytest.mark.parametrize("name", CAPTURES)
def test_wire_bytes_stay_within_what_tcp_carried(name: str) -> None:
    (connection,) = [e for e in events(name) if isinstance(e, Connection)]
    for side, sent in ((CLIENT, connection.client), (SERVER, connection.server)):
        messages = [m for t in transactions(name) if (m := t.response if side else t.request)]
        wire = sum(m.wire_bytes for m in messages)
        assert sum(m.http_bytes for m in messages) < wire < sent.payload_bytes
        assert all(m.wire_bytes > m.http_bytes for m in messages)


@pytest.mark.tshark
def test_streams_and_frames_are_those_that_tshark_sees() -> None:
    fields = ("frame.number", "tcp.srcport", "http2.streamid", "http2.type", "http2.flags.end_stream",
              "http2.headers.method", "http2.headers.path", "http2.headers.status")  # fmt: skip
    command = ["tshark", "-r", str(recording("l_h2.dev.pcap")), "-o", f"tls.keylog_file:{recording('l_h2.keys')}",
               "-Y", "http2", "-T", "fields", *(part for name in fields for part in ("-e", name))]  # fmt: skip
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seen: dict[int, dict[str, Any]] = defaultdict(dict)
    for line in out.splitlines():
        number, port, streams, kinds, ends, method, path, status = line.split("\t")
        flags = iter(ends.split(","))  # only of HEADERS and DATA
        for stream, kind in zip(streams.split(","), kinds.split(","), strict=True):
            if kind not in ("0", "1"):
                continue
            each, server = seen[int(stream)], port == "443"
            each.setdefault("answer" if server else "request", int(number))
            if next(flags) == "1":
                each["answered" if server else "asked"] = int(number)
            if kind == "1" and not server:
                each["method"], each["path"] = method, path
            elif kind == "1":
                each["status"] = int(status)
    ours = {
        t.stream_id: {
            "request": t.request.first_frame, "asked": t.request.last_frame, "method": t.request.method,
            "path": t.request.target,
            **({"answer": t.response.first_frame, "answered": t.response.last_frame, "status": t.response.status}
               if t.response else {}),
        }
        for t in transactions("l_h2.dev.pcap") if t.request
    }  # fmt: skip
    assert ours.keys() == seen.keys()
    for stream, each in ours.items():
        # tshark names the frame in which a TLS record ends; an answer begins with the first byte of its first record
        assert each.pop("answer", 0) <= seen[stream].get("answer", 0)
        assert each == {key: value for key, value in seen[stream].items() if key != "answer"}
