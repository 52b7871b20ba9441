"""Recorded connections, decrypted by tshark, against what the client itself logged: every size to the byte."""

import json
import subprocess
from collections import Counter
from functools import cache
from urllib.parse import urlsplit

import pytest

from dissectors.events import CLIENT, Transaction
from dissectors.http import HttpConnection
from tests.support.places import recording

pytestmark = pytest.mark.tshark


def tshark(name: str, *arguments: str) -> str:
    """tshark's output on a recording of the device's side."""
    scenario = name.partition(".")[0]
    command = [
        "tshark",
        "-r",
        str(recording(name)),
        "-o",
        f"tls.keylog_file:{recording(scenario + '.keys')}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@cache
def transactions(name: str) -> list[Transaction]:
    """All transactions of a recording, from the plaintext that tshark exports: a line a record, tabs for one side."""
    streams = sorted({int(line) for line in tshark(name, "-Y", "tls", "-T", "fields", "-e", "tcp.stream").split()})
    done: list[Transaction] = []
    taps = [option for stream in streams for option in ("-z", f"follow,tls,raw,{stream}")]
    for number, part in enumerate(tshark(name, "-q", *taps).split("Follow: tls,raw")[1:]):
        lines = [line for line in part.splitlines() if line and not line.startswith(("=", "Filter", "Node"))]
        servers = {line.startswith("\t") for line in lines if line.strip().startswith(b"HTTP/1".hex())}
        connection = HttpConnection(number)
        for frame, line in enumerate(lines, 1):
            data = bytes.fromhex(line.strip())
            side = 1 if line.startswith("\t") in servers else CLIENT
            done += connection.feed(side, data, frame, frame, frame, frame, len(data))
        done += connection.close(0)
        assert connection.anomalies == []
        assert connection.skipped_bytes == [0, 0]
    return done


@pytest.mark.parametrize("name", ["a_healthy.dev.pcap", "s_hsync.dev.pcap", "y_healthy.dev.pcap", "q_empty.dev.pcap"])
def test_every_request_and_size_is_as_the_client_logged_it(name: str) -> None:
    logged = json.loads(recording(name.partition(".")[0] + ".truth.json").read_text())["devices"][0]["exchanges"]
    expected = Counter(
        (
            urlsplit(entry["url"]).query,
            entry["http_status"],
            entry.get("req_body_wire", 0),
            entry["resp_body_wire"],
            entry["resp_body_plain"],
        )
        for entry in logged
        if entry["method"] == "POST"  # one of the clients does not log its OPTIONS
    )
    found = Counter(
        (
            urlsplit(t.request.target).query,
            t.response.status,
            t.request.body_bytes,
            t.response.body_bytes,
            t.response.decoded_bytes,
        )
        for t in transactions(name)
        if t.request and t.response and t.request.method == "POST"
    )
    assert found == expected


def test_heads_are_as_tshark_reads_them() -> None:
    name = "a_healthy.dev.pcap"
    fields = ["-e", "http.request.method", "-e", "http.request.uri", "-e", "http.response.code"]
    expected = [tuple(line.split("\t")) for line in tshark(name, "-Y", "http", "-T", "fields", *fields).splitlines()]
    found = []
    for t in transactions(name):
        assert t.request is not None
        assert t.response is not None
        found += [(t.request.method, t.request.target, ""), ("", "", str(t.response.status))]
    assert found == expected
