"""The recorded captures: plaintext byte for byte as tshark decrypts it, and snapped ones against the whole."""

import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog, Piece, TlsConnection
from tests.support.places import recording

pytestmark = pytest.mark.tshark

FIELDS = (
    "tcp.stream",
    "tcp.srcport",
    "tcp.dstport",
    "frame.number",
    "frame.time_epoch",
    "tcp.seq",
    "tcp.len",
    "tcp.payload",
)
Segment = tuple[int, int, int, int, int, bytes]  # side, frame, time, sequence number, length, payload (perhaps cut)


def tshark(*arguments: str) -> str:
    return subprocess.run(["tshark", *arguments], capture_output=True, text=True, check=True).stdout


@cache
def streams(capture: Path) -> dict[int, list[Segment]]:
    """The TCP segments with payload of each stream, in the order of the capture."""
    found: dict[int, list[Segment]] = defaultdict(list)
    selection = [part for field in FIELDS for part in ("-e", field)]
    for line in tshark("-r", str(capture), "-Y", "tcp.len>0", "-T", "fields", *selection).splitlines():
        stream, source, target, frame, epoch, sequence, length, payload = line.split("\t")
        side = CLIENT if int(source) > int(target) else SERVER  # servers listen on 443 here
        seconds, _, fraction = epoch.partition(".")
        time_ns = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
        found[int(stream)].append((side, int(frame), time_ns, int(sequence), int(length), bytes.fromhex(payload)))
    return found


def read(segments: list[Segment], keys: Path) -> tuple[TlsConnection, list[Piece]]:
    """Feeds a stream in order; a plain reassembly, which waits for late segments and knows no loss."""
    keylog = KeyLog()
    assert keylog.add(keys.read_bytes(), keys.name) == []
    return read_by(segments, keylog)


def read_by(segments: list[Segment], keylog: KeyLog) -> tuple[TlsConnection, list[Piece]]:
    connection = TlsConnection(keylog)
    pieces: list[Piece] = []
    expected = [1, 1]
    waiting: list[dict[int, Segment]] = [{}, {}]
    for segment in segments:
        waiting[segment[0]].setdefault(segment[3], segment)
        side = segment[0]
        while ready := [sequence for sequence in waiting[side] if sequence <= expected[side]]:
            _, frame, time_ns, sequence, length, payload = waiting[side].pop(min(ready))
            seen = expected[side] - sequence
            new = payload[seen:]
            if new:
                pieces += connection.feed(side, new, [len(new)], [frame], [time_ns])
            if length > max(len(payload), seen):
                pieces += connection.gap(side, length - max(len(payload), seen), frame, time_ns)
            expected[side] = max(expected[side], sequence + length)
    assert waiting == [{}, {}]
    return connection, pieces + connection.close()


def joined(pieces: list[Piece], side: int) -> bytes:
    return b"".join(piece.data for piece in pieces if piece.side == side)


def followed(capture: Path, keys: Path, stream: int) -> tuple[bytes, bytes]:
    """tshark's plaintext; it prints the side that has the higher address or port first without a tab."""
    text = tshark("-r", str(capture), "-o", f"tls.keylog_file:{keys}", "-q", "-z", f"follow,tls,raw,{stream}")
    sides = [b"", b""]
    for line in text.splitlines():
        data = line.strip()
        if data and all(character in "0123456789abcdef" for character in data):
            sides[line.startswith("\t")] += bytes.fromhex(data)
    return sides[0], sides[1]


WHOLE = [
    "a_healthy.dev.pcap",
    "c_fw_rst.srv.pcap",
    "e_nginx_kill.dev.pcap",
    "g_tls13.dev.pcap",
    "l_h2.srv.pcapng",
    "s_hsync.dev.pcap",
]


@pytest.mark.parametrize("name", WHOLE)
def test_plaintext_is_tsharks_byte_for_byte(name):
    capture = recording(name)
    keys = recording(name.split(".")[0] + ".keys")
    for stream, segments in streams(capture).items():
        connection, pieces = read(segments, keys)
        assert connection.decryption == "decrypted"
        assert connection.anomalies == []
        mine = (joined(pieces, CLIENT), joined(pieces, SERVER))
        assert mine[0].startswith((b"POST ", b"OPTIONS ", b"PRI * HTTP/2"))
        assert set(mine) == set(followed(capture, keys, stream))


@pytest.mark.parametrize("point", ["dev", "srv"])
def test_a_lossy_path_is_read_whole_where_tshark_gives_up(point):
    capture, keys = recording(f"h_lossy.{point}.pcap"), recording("h_lossy.keys")
    ((_, segments),) = streams(capture).items()
    connection, pieces = read(segments, keys)
    assert connection.decryption == "decrypted"
    assert (len(joined(pieces, CLIENT)), len(joined(pieces, SERVER))) == (23_274, 135_480)  # the same at both points
    assert sum(map(len, followed(capture, keys, 0))) < 23_274 + 135_480


@pytest.mark.parametrize("name", ["k_snap.dev-snap128.pcap", "k_snap.srv-snap300.pcap"])
def test_snapped_capture_shows_true_bytes_in_their_places(name):
    keys = recording("k_snap.keys")
    whole = {
        segments[0][5][11:43]: read(segments, keys)[1] for segments in streams(recording("k_snap.dev.pcap")).values()
    }  # by client random
    for segments in streams(recording(name)).values():
        connection, pieces = read(segments, keys)
        assert (connection.decryption, connection.why_encrypted) == ("partial", "snapped")
        assert connection.facts().cipher == "TLS_AES_128_GCM_SHA256"  # concluded where the ServerHello is cut
        reference = whole[segments[0][5][11:43]]
        for side in (CLIENT, SERVER):
            sent, position = joined(reference, side), 0
            for piece in (piece for piece in pieces if piece.side == side):
                if position < len(sent):  # the server's side saw one more answer, which never arrived
                    assert piece.data == sent[position : position + len(piece.data)]
                position += len(piece.data) + piece.missing
            assert position >= len(sent)


def test_the_private_key_opens_what_the_key_log_opens():
    capture, keys, private = (recording(f"g_tls12_rsa.{kind}") for kind in ("dev.pcap", "keys", "key.pem"))
    ((_, segments),) = streams(capture).items()
    read_with = []
    for log in (keys, None):
        keylog = KeyLog()
        said = (
            keylog.add(log.read_bytes(), log.name) if log else keylog.add_private_key(private.read_bytes(), "key.pem")
        )
        assert said == []
        connection, pieces = read_by(segments, keylog)
        assert (connection.decryption, connection.why_encrypted) == ("decrypted", None)
        assert connection.facts().cipher == "TLS_RSA_WITH_AES_128_CBC_SHA256"
        assert connection.anomalies == []
        read_with.append(pieces)
    assert read_with[0] == read_with[1]
    assert {joined(read_with[0], side) for side in (CLIENT, SERVER)} == set(followed(capture, keys, 0))
