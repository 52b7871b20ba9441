"""Connections recorded live from OpenSSL through Python's ssl, with OpenSSL's own key log."""

import json
import os
import ssl
import subprocess
import sys

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog
from dissectors.tls.handshake import CLIENT_HELLO
from tests.dissectors.tls.dialogue import HTTP_TALK, RANDOM, SPLITS, Live, Recording, outcome, plaintext, play
from tests.support.places import ROOT

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

SUITES_12 = [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("ECDHE-ECDSA-AES128-CCM", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    ("ECDHE-ECDSA-AES256-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"),
]
SUITES_13 = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
]


def check(
    recording: Recording,
    version: str,
    cipher: str | None = None,
    resumed: bool = False,
    splits: tuple[str, ...] = SPLITS[1:],
) -> None:
    """The whole conversation is read, and the same for every split."""
    connection, pieces = play(recording.turns, recording.keys)
    assert plaintext(pieces) == recording.sent
    assert (connection.decryption, connection.why_encrypted) == ("decrypted", None)
    assert connection.anomalies == []
    facts = connection.facts()
    assert (facts.version, facts.sni, facts.alpn) == (version, "mail.test", "http/1.1")
    assert facts.resumed is resumed
    assert cipher is None or facts.cipher == cipher
    assert None not in facts.close_notify_frame
    assert facts.alerts == ()
    for side in (CLIENT, SERVER):
        wire = sum(len(data) for turn_side, data in recording.turns if turn_side == side)
        assert wire == connection.overhead_bytes[side] + sum(p.wire_bytes for p in pieces if p.side == side)
    for split in splits:
        assert outcome(*play(recording.turns, recording.keys, split)) == outcome(connection, pieces)


@pytest.mark.parametrize(("openssl_name", "name"), SUITES_12)
def test_tls12_suite_is_decrypted(openssl_name, name):
    check(Live(TLS12, openssl_name + ":@SECLEVEL=0").record(HTTP_TALK), "TLS 1.2", name)


def test_tls13_suites_are_decrypted(tmp_path):
    # Python 3.11 cannot choose TLS 1.3 suites; OpenSSL's configuration can: a process for each.
    for name in SUITES_13:
        configuration = tmp_path / "openssl.cnf"
        configuration.write_text(
            "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = default\n"
            f"[default]\nCiphersuites = {name}\nCipherString = DEFAULT:@SECLEVEL=0\n"
        )
        code = (
            "import json, ssl\n"
            "from tests.dissectors.tls.dialogue import HTTP_TALK, Live\n"
            "r = Live(ssl.TLSVersion.TLSv1_3).record(HTTP_TALK)\n"
            "print(json.dumps([[[s, d.hex()] for s, d in r.turns], r.keys.hex(), [d.hex() for d in r.sent]]))\n"
        )
        environment = {**os.environ, "OPENSSL_CONF": str(configuration), "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, check=True)
        turns, keys, sent = json.loads(done.stdout)
        recording = Recording(
            [(side, bytes.fromhex(data)) for side, data in turns],
            bytes.fromhex(keys),
            (bytes.fromhex(sent[0]), bytes.fromhex(sent[1])),
        )
        check(recording, "TLS 1.3", name)


def test_tls13_resumption_is_decrypted_and_told():
    live = Live(TLS13)
    first = live.record(HTTP_TALK)
    check(first, "TLS 1.3")
    check(live.record(HTTP_TALK, first.session), "TLS 1.3", resumed=True)


def without_tickets(context: ssl.SSLContext) -> None:
    context.options |= ssl.OP_NO_TICKET


@pytest.mark.parametrize("settings", [None, without_tickets], ids=["ticket", "session id"])
def test_tls12_resumption_is_decrypted_and_told(settings):
    live = Live(TLS12, server_settings=settings)
    first = live.record(HTTP_TALK)
    check(first, "TLS 1.2")
    check(live.record(HTTP_TALK, first.session), "TLS 1.2", resumed=True)


@pytest.mark.parametrize("settings", [None, without_tickets], ids=["ticket", "session id"])
def test_tls12_session_without_a_line_of_its_own_opens_with_the_first_ones(settings):
    live = Live(TLS12, server_settings=settings)
    first = live.record(HTTP_TALK)
    second = live.record(HTTP_TALK, first.session)
    own = second.turns[0][1][11:43].hex().encode()  # its client random
    keylog = b"\n".join(line for line in first.keys.splitlines() if own not in line)
    both = KeyLog()
    both.add(keylog, "keys")
    pieces = []
    for recording in (first, second):
        from dissectors.tls import TlsConnection
        from tests.dissectors.tls.dialogue import feed

        connection = TlsConnection(both)
        pieces = feed(connection, recording.turns)
    assert plaintext(pieces) == second.sent
    assert connection.decryption == "decrypted"


def narrow(context: ssl.SSLContext) -> None:
    context.set_ecdh_curve("secp384r1")  # the client sends a share of another group first


def test_hello_retry_is_followed():
    recording = Live(TLS13, server_settings=narrow).record(HTTP_TALK)
    hellos = [data for side, data in recording.turns if side == CLIENT and CLIENT_HELLO in data[5:6] and data[0] == 22]
    assert len(hellos) >= 1
    assert sum(data.count(recording.turns[0][1][11:43]) for side, data in recording.turns if side == CLIENT) == 2
    check(recording, "TLS 1.3")


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_without_a_key_the_facts_and_the_reason_remain(version):
    recording = Live(version).record(HTTP_TALK)
    connection, pieces = play(recording.turns, b"")
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "no_key")
    assert connection.hopeless
    facts = connection.facts()
    assert facts.sni == "mail.test"
    assert facts.cipher is not None
    assert facts.resumed is False
    for split in SPLITS[1:]:
        assert outcome(*play(recording.turns, b"", split))[3:] == outcome(connection, pieces)[3:]


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_wrong_secret_is_told_as_such(version):
    recording = Live(version).record(HTTP_TALK)
    lines = []
    for line in filter(lambda line: line[:1] != "#", recording.keys.decode().splitlines()):
        label, client_random, secret = line.split()
        lines.append(f"{label} {client_random} {secret[::-1]}")
    connection, pieces = play(recording.turns, "\n".join(lines).encode())
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "key_does_not_fit")
    assert connection.hopeless
    assert connection.anomalies[0].code == "tls_record_not_authentic"


BEFORE_13 = [
    (TLS12, "ECDHE-ECDSA-AES128-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (TLS12, "ECDHE-ECDSA-CAMELLIA256-SHA384", "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384"),
    (TLS12, "ECDHE-ECDSA-ARIA128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256"),
    (TLS12, "ECDHE-ECDSA-NULL-SHA", "TLS_ECDHE_ECDSA_WITH_NULL_SHA"),
    (ssl.TLSVersion.TLSv1_1, "ECDHE-ECDSA-AES256-SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (ssl.TLSVersion.TLSv1, "ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
]
NO_ENCRYPT_THEN_MAC = 1 << 19  # SSL_OP_NO_ENCRYPT_THEN_MAC, which Python's ssl does not name


def mac_then_encrypt(context: ssl.SSLContext) -> None:
    context.options |= NO_ENCRYPT_THEN_MAC


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("settings", [None, mac_then_encrypt], ids=["encrypt then MAC", "MAC then encrypt"])
@pytest.mark.parametrize(("version", "openssl_name", "name"), BEFORE_13)
def test_suites_with_a_mac_of_their_own_are_decrypted(version, openssl_name, name, settings):
    try:
        live = Live(version, openssl_name + ":@SECLEVEL=0", settings)
    except ssl.SSLError:
        pytest.skip("this OpenSSL does not have it")
    check(live.record(HTTP_TALK), version.name.replace("v1_", " 1.").replace("v1", " 1.0"), name, splits=(RANDOM,))


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_frames_and_times_are_those_of_the_bytes(version):
    recording = Live(version).record(HTTP_TALK)
    keylog = KeyLog()
    keylog.add(recording.keys, "keys")
    from dissectors.tls import TlsConnection

    for size in (1, 7, 1448, 50_000):
        connection = TlsConnection(keylog)
        ends_by_side: list[list[tuple[int, int]]] = [[], []]  # (stream offset of the end, frame)
        offsets = [0, 0]
        frame = 0
        pieces = []
        for side, data in recording.turns:
            ends = [*range(size, len(data), size), len(data)]
            frames = list(range(frame + 1, frame + 1 + len(ends)))
            frame += len(ends)
            ends_by_side[side] += [(offsets[side] + end, number) for end, number in zip(ends, frames, strict=True)]
            offsets[side] += len(data)
            pieces += connection.feed(side, data, ends, frames, [number * 1000 for number in frames])
        for side in (CLIENT, SERVER):
            stream = b"".join(data for turn_side, data in recording.turns if turn_side == side)
            mine = iter(piece for piece in pieces if piece.side == side)
            where = 0
            spans = []
            while where < len(stream):
                end = where + 5 + int.from_bytes(stream[where + 3 : where + 5], "big")
                frame_of = [next(n for limit, n in ends_by_side[side] if limit > at) for at in (where, end - 1)]
                spans.append((*frame_of, end - where))
                where = end
            for piece in mine:
                span = (piece.first_frame, piece.last_frame, piece.wire_bytes)
                assert span in spans
                assert (piece.first_ns, piece.last_ns) == (piece.first_frame * 1000, piece.last_frame * 1000)
                spans = spans[spans.index(span) + 1 :]  # in order
