"""One capture for each reason why a connection stays closed, through the whole program to the table `connections`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import analyzer
from dissectors.events import CLIENT, SERVER
from dissectors.tls import WHY
from tests.support.tls_recording.packets import Packet, packets, write_pcap
from tests.support.tls_recording.recorder import Recorder, Recording, Scenario, Visit
from tests.support.tls_recording.relay import Conversation, Note
from tests.tls_live.conftest import Record
from tests.tls_live.scenarios import by_name, suite_of

SNAP_BYTES = 200
START_NS = 1_795_262_400 * 10**9  # 2026-11-21 12:00:00 UTC


class Shown(NamedTuple):
    """A capture with secrets, and what the table must say of its only connection."""

    packets: list[Packet]
    keylog: bytes = b""
    rsa_key: Path | None = None
    decryption: str = "encrypted"
    snap: int | None = None


def usual(record: Record, name: str = "1.3 gcm") -> Recording:
    """A recording without anything special."""
    return record(by_name(f"maximum fragment length, {name}"))


def packets_of(recording: Recording) -> list[Packet]:
    return packets(recording.conversations[0])


def edited(recording: Recording, edit: Callable[[bytes], bytes], side: int, number: int) -> list[Packet]:
    """The packets with one chunk of a side changed."""
    notes = list(recording.conversations[0].notes)
    index = [index for index, note in enumerate(notes) if note.side == side and note.data][number]
    notes[index] = notes[index]._replace(data=edit(notes[index].data))
    assert notes[index].data != recording.conversations[0].notes[index].data
    return packets(Conversation(tuple(notes)))


def by_hand(*turns: tuple[int, bytes]) -> list[Packet]:
    """A conversation that no OpenSSL holds."""
    notes = [Note(START_NS + number * 10**6, side, "data", data) for number, (side, data) in enumerate(turns)]
    ends = [Note(START_NS + 10**9 + side, side, "fin") for side in (CLIENT, SERVER)]
    return packets(Conversation((*notes, *ends)))


# ---------------------------------------------------------------- one function a reason


def not_tls(record: Record, recorder: Recorder) -> Shown:
    # Begins like a record, but 0x9999 is no length that a record can have.
    return Shown(by_hand((CLIENT, b"\x16\x03\x01\x99\x99" + bytes(50)), (SERVER, b"welcome")), decryption="not_http")


def no_handshake(record: Record, recorder: Recorder) -> Shown:
    recording = usual(record)
    made = packets_of(recording)
    first = next(index for index, packet in enumerate(made) if len(packet.payload) > 500 and packet.side == CLIENT)
    return Shown(made[first:], recording.keylog)


def handshake_incomplete(record: Record, recorder: Recorder) -> Shown:
    # The client knows nobody who vouches for the server, says so and goes.
    refuses = Scenario(
        name="the client refuses the certificate",
        suite=suite_of("1.3 gcm"),
        client=("-verify_return_error",),
        visits=(Visit(shows=("self-signed certificate",)),),
    )
    recording = record(refuses)
    return Shown(packets_of(recording), recording.keylog)


def no_key(record: Record, recorder: Recorder) -> Shown:
    return Shown(packets_of(usual(record)), usual(record, "1.3 chacha").keylog)


def forward_secret(record: Record, recorder: Recorder) -> Shown:
    recording = usual(record, "1.2 gcm")
    return Shown(packets_of(recording), rsa_key=recording.rsa_key)


def key_does_not_fit(record: Record, recorder: Recorder) -> Shown:
    recording, other = usual(record), usual(record, "1.3 chacha")
    theirs = dict(zip(*(_randoms(one) for one in (other, recording)), strict=True))
    keylog = other.keylog
    for random, mine in theirs.items():
        keylog = keylog.replace(random, mine)
    return Shown(packets_of(recording), keylog)


def unsupported_version(record: Record, recorder: Recorder) -> Shown:
    # The server chose draft 23 of TLS 1.3: in supported_versions, the draft's number in the second byte.
    recording = usual(record)
    draft = edited(
        recording, lambda data: data.replace(b"\x00\x2b\x00\x02\x03\x04", b"\x00\x2b\x00\x02\x7f\x17"), SERVER, 0
    )
    return Shown(draft, recording.keylog)


def unsupported_cipher(record: Record, recorder: Recorder) -> Shown:
    recording = usual(record, "1.2 rsa gcm")
    mine = recording.scenario.suite.iana
    assert mine == "TLS_RSA_WITH_AES_256_GCM_SHA384"
    # The ServerHello names a GOST suite instead: GOSTR341112-256-WITH-KUZNYECHIK-CTR-OMAC (RFC 9189).
    changed = edited(recording, lambda data: data.replace(b"\x00\x9d", b"\xc1\x00", 1), SERVER, 0)
    return Shown(changed, recording.keylog)


def gap(record: Record, recorder: Recorder) -> Shown:
    recording = usual(record)
    made = packets_of(recording)
    spoken = [packet for packet in made if packet.side == SERVER and len(packet.payload) > 1000]
    return Shown([packet for packet in made if packet != spoken[2]], recording.keylog, decryption="partial")


def snapped(record: Record, recorder: Recorder) -> Shown:
    recording = usual(record)
    return Shown(packets_of(recording), recording.keylog, decryption="partial", snap=SNAP_BYTES)


def damaged(record: Record, recorder: Recorder) -> Shown:
    # A bit of the last answer's first record is wrong.
    recording = usual(record)
    answers = [note for note in recording.conversations[0].notes if note.side == SERVER and len(note.data) > 1000]
    number = [note for note in recording.conversations[0].notes if note.side == SERVER and note.data].index(answers[-1])
    flip = edited(recording, lambda data: data[:100] + bytes((data[100] ^ 1,)) + data[101:], SERVER, number)
    return Shown(flip, recording.keylog, decryption="partial")


def _randoms(recording: Recording) -> list[bytes]:
    """The client random as the key log writes it, alone in a list."""
    return [recording.conversations[0].stream(CLIENT)[11:43].hex().encode()]


SHOWN: dict[str, Callable[[Record, Recorder], Shown]] = {
    show.__name__: show
    for show in (
        not_tls,
        no_handshake,
        handshake_incomplete,
        no_key,
        forward_secret,
        key_does_not_fit,
        unsupported_version,
        unsupported_cipher,
        gap,
        snapped,
        damaged,
    )
}


@pytest.mark.parametrize("reason", list(WHY))
def test_each_reason_has_a_capture_that_shows_it(
    record: Record, recorder: Recorder, reason: str, tmp_path: Path
) -> None:
    shown = SHOWN[reason](record, recorder)
    capture = write_pcap(tmp_path / "capture.pcap", [shown.packets], snap=shown.snap)
    keylog = tmp_path / "keys"
    keylog.write_bytes(shown.keylog)
    analysis = analyzer.analyze(
        [capture], keylog=[keylog] if shown.keylog else [], rsa_key=[shown.rsa_key] if shown.rsa_key else []
    )
    (row,) = analysis.connections.to_dict("records")
    assert (row["decryption"], row["why_encrypted"]) == (shown.decryption, reason)


def test_there_is_no_capture_for_a_reason_that_is_not_listed() -> None:
    assert set(SHOWN) == set(WHY)


def test_ssl2_is_a_version_that_is_not_read(tmp_path: Path) -> None:
    # draft-hickman-netscape-ssl-00: CLIENT-HELLO with one cipher and a challenge of 16 bytes; SERVER-HELLO.
    hello = b"\x01\x00\x02" + b"\x00\x03\x00\x00\x00\x10" + b"\x01\x00\x80" + bytes(range(16))
    answer = b"\x04\x00\x01\x00\x02" + b"\x00\x00\x00\x03\x00\x10" + b"\x01\x00\x80" + bytes(16)
    talk = by_hand(*((side, bytes((0x80, len(text))) + text) for side, text in ((CLIENT, hello), (SERVER, answer))))
    analysis = analyzer.analyze([write_pcap(tmp_path / "capture.pcap", [talk])])
    (row,) = analysis.connections.to_dict("records")
    assert (row["decryption"], row["why_encrypted"]) == ("encrypted", "unsupported_version")
