"""The same recordings with other secrets: less of a key log, the server's RSA key in every form, a key log inside the
capture, the first handshake's secret for a resumed connection.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog
from tests.support.tls_recording.oracle import follow_tls, inject_secrets
from tests.support.tls_recording.recorder import Recorder, Recording
from tests.support.tls_recording.relay import Conversation
from tests.tls_live.checks import check_all_is_read
from tests.tls_live.conftest import Record
from tests.tls_live.reading import bodies, events, keys_from, read, true_bodies, write
from tests.tls_live.scenarios import OLDER, TLS13, by_name, marked, named

KRSA = [name for name in OLDER if (one := named(name)) and one.exchange == "RSA"]
RSA_RESUMED = [f"{how}, {name}" for how in ("session id", "ticket") for name in KRSA]
RESUMED = [f"{how}, {name}" for how in ("session id", "ticket") for name in OLDER]


def client_random(conversation: Conversation) -> bytes:
    """Of the first ClientHello: behind record header, message header and version."""
    return conversation.stream(CLIENT)[11:43]


def lines_of(keylog: bytes, *randoms: bytes) -> bytes:
    """Only the lines of some client randoms."""
    wanted = [random.hex().encode() for random in randoms]
    return b"".join(line for line in keylog.splitlines(keepends=True) if any(one in line for one in wanted))


def lines_with(keylog: bytes, *labels: bytes) -> bytes:
    """Only the lines of some kinds."""
    return b"".join(line for line in keylog.splitlines(keepends=True) if line.split(b" ")[0] in labels)


# ---------------------------------------------------------------- resumption


@pytest.mark.parametrize("name", marked(RESUMED))
def test_the_first_handshakes_line_opens_the_resumed_connection(record: Record, name: str) -> None:
    recording = record(by_name(name))
    first = lines_of(recording.keylog, client_random(recording.conversations[0]))
    assert 0 < len(first) < len(recording.keylog)
    check_all_is_read(recording, keys_from(first))


@pytest.mark.parametrize("name", marked(RESUMED))
def test_the_resumed_connections_line_opens_it_alone(record: Record, name: str) -> None:
    recording = record(by_name(name))
    own = lines_of(recording.keylog, client_random(recording.conversations[1]))
    first, second = read(recording, keys_from(own))
    assert first.verdict == ("encrypted", "no_key")
    assert second.verdict == ("decrypted", None)
    assert second.plaintext == recording.sent[1]
    assert second.connection.facts().resumed is True


@pytest.mark.parametrize("name", marked(RSA_RESUMED))
def test_the_servers_key_opens_the_resumed_connection(record: Record, name: str) -> None:
    recording = record(by_name(name))
    check_all_is_read(recording, keys_from(rsa_key=recording.rsa_key))


@pytest.mark.parametrize("name", ["session id, 1.2 rsa cbc", "ticket, 1.2 rsa gcm"])
def test_a_resumed_connection_without_its_first_stays_closed_to_the_servers_key(record: Record, name: str) -> None:
    recording = record(by_name(name))
    alone = replace(recording, conversations=recording.conversations[1:])
    (found,) = read(alone, keys_from(rsa_key=recording.rsa_key))
    assert found.verdict[0] == "encrypted"
    assert found.plaintext == (b"", b"")
    assert found.connection.facts().resumed is True


@pytest.mark.parametrize("name", marked(f"psk, {name}" for name in TLS13))
def test_a_tls13_psk_needs_its_own_lines(record: Record, name: str) -> None:
    # RFC 8446 2.2: new secrets come from the PSK, which no key log has.
    recording = record(by_name(name))
    first, second = read(recording, keys_from(lines_of(recording.keylog, client_random(recording.conversations[0]))))
    assert first.plaintext == recording.sent[0]
    assert second.verdict == ("encrypted", "no_key")


# ---------------------------------------------------------------- RSA keys


@pytest.mark.parametrize("name", marked(KRSA))
@pytest.mark.parametrize(
    "what",
    [
        "renegotiation by the client",
        "renegotiation for a certificate",
        "renegotiation without resumption",
        "no extended master secret",
        "small fragments",
        "client certificate",
    ],
)
def test_the_servers_key_opens_a_feature(record: Record, what: str, name: str) -> None:
    recording = record(by_name(f"{what}, {name}"))
    check_all_is_read(recording, keys_from(rsa_key=recording.rsa_key))


def test_the_servers_key_does_not_open_an_ephemeral_exchange(record: Record) -> None:
    recording = record(by_name("session id, 1.2 gcm"))
    for found in read(recording, keys_from(rsa_key=recording.rsa_key)):
        assert found.verdict[0] == "encrypted"
        assert found.plaintext == (b"", b"")


def test_an_older_key_of_the_server_beside_the_right_one_does_no_harm(record: Record, recorder: Recorder) -> None:
    recording = record(by_name("no extended master secret, 1.2 rsa cbc"))
    keys = keys_from(rsa_key=recorder.identity("rsa", "older-"))
    assert keys.add_private_key(key_file(recording), "the right one") == []
    check_all_is_read(recording, keys)


def key_file(recording: Recording) -> bytes:
    """The server's RSA key as PEM."""
    assert recording.rsa_key is not None
    return recording.rsa_key.read_bytes()


def server_key(recording: Recording) -> RSAPrivateKey:
    key = load_pem_private_key(key_file(recording), None)
    assert isinstance(key, RSAPrivateKey)
    return key


PASSWORD = b"secret"
LOCK = BestAvailableEncryption(PASSWORD)
PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
FORMS: dict[str, tuple[Callable[[RSAPrivateKey], bytes], bytes | None]] = {
    "PKCS#1 PEM": (lambda key: key.private_bytes(Encoding.PEM, PKCS1, NoEncryption()), None),
    "PKCS#8 PEM": (lambda key: key.private_bytes(Encoding.PEM, PKCS8, NoEncryption()), None),
    "PKCS#1 DER": (lambda key: key.private_bytes(Encoding.DER, PKCS1, NoEncryption()), None),
    "PKCS#8 DER": (lambda key: key.private_bytes(Encoding.DER, PKCS8, NoEncryption()), None),
    "locked PKCS#1 PEM": (lambda key: key.private_bytes(Encoding.PEM, PKCS1, LOCK), PASSWORD),
    "locked PKCS#8 PEM": (lambda key: key.private_bytes(Encoding.PEM, PKCS8, LOCK), PASSWORD),
    "locked PKCS#8 DER": (lambda key: key.private_bytes(Encoding.DER, PKCS8, LOCK), PASSWORD),
    "PKCS#12": (lambda key: serialize_key_and_certificates(b"mail", key, None, None, NoEncryption()), None),
    "locked PKCS#12": (lambda key: serialize_key_and_certificates(b"mail", key, None, None, LOCK), PASSWORD),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_servers_key_is_read_in_every_form(record: Record, form: str) -> None:
    recording = record(by_name("no extended master secret, 1.2 rsa cbc"))
    write_form, password = FORMS[form]
    keys = KeyLog()
    assert keys.add_private_key(write_form(server_key(recording)), "server.key", password) == []
    check_all_is_read(recording, keys)


# ---------------------------------------------------------------- parts of a key log


@pytest.mark.parametrize("name", marked(TLS13))
def test_traffic_secrets_alone_are_enough(record: Record, name: str) -> None:
    recording = record(by_name(f"hello retry, {name}"))
    keylog = lines_with(recording.keylog, b"CLIENT_TRAFFIC_SECRET_0", b"SERVER_TRAFFIC_SECRET_0")
    (found,) = read(recording, keys_from(keylog))
    assert found.plaintext == recording.sent[0]


@pytest.mark.parametrize("name", marked(TLS13))
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_one_sides_secrets_open_one_side(record: Record, name: str, side: int) -> None:
    recording = record(by_name(f"hello retry, {name}"))
    who = (b"CLIENT", b"SERVER")[side]
    keylog = lines_with(recording.keylog, who + b"_HANDSHAKE_TRAFFIC_SECRET", who + b"_TRAFFIC_SECRET_0")
    (found,) = read(recording, keys_from(keylog))
    assert found.verdict == ("partial", "no_key")
    assert found.plaintext[side] == recording.sent[0][side]
    assert found.plaintext[1 - side] == b""


@pytest.mark.parametrize("name", marked(TLS13))
def test_early_data_without_its_secret_is_all_that_is_missing(record: Record, name: str) -> None:
    recording = record(by_name(f"early data accepted, {name}"))
    keylog = b"".join(
        line for line in recording.keylog.splitlines(keepends=True) if not line.startswith(b"CLIENT_EARLY")
    )
    assert keylog != recording.keylog
    first, second = read(recording, keys_from(keylog))
    assert first.verdict == ("decrypted", None)
    assert second.verdict == ("partial", "no_key")
    early = recording.scenario.visits[1].early
    assert second.plaintext == (recording.sent[1][CLIENT].removeprefix(early), recording.sent[1][SERVER])


@pytest.mark.parametrize("name", marked(TLS13))
@pytest.mark.parametrize("how", ["rejected", "rejected by retry"])
def test_rejected_early_data_is_nobodys_even_with_its_secret(record: Record, how: str, name: str) -> None:
    recording = record(by_name(f"early data {how}, {name}"))
    assert b"CLIENT_EARLY_TRAFFIC_SECRET" in recording.client_keylog
    check_all_is_read(recording, keys_from(recording.client_keylog))


@pytest.mark.parametrize("name", ["session id, 1.2 gcm", "renegotiation by the server, 1.2 rsa cbc", "large, 1.3 gcm"])
def test_the_clients_key_log_does_as_well_as_the_servers(record: Record, name: str) -> None:
    recording = record(by_name(name))
    check_all_is_read(recording, keys_from(recording.client_keylog))


@pytest.mark.parametrize("name", ["1.2 gcm", "1.2 rsa cbc", "1.0 rsa cbc"])
def test_lines_by_session_id_open_it(record: Record, name: str) -> None:
    """As NSS wrote them for resumed sessions, too; s_client prints both parts."""
    recording = record(by_name(f"session id, {name}"))
    lines = ""
    for printed in recording.printed[:2]:
        identity, master = re.search(r"Session-ID: (\w+)", printed), re.search(r"Master-Key: (\w+)", printed)
        assert identity
        assert master
        lines += f"RSA Session-ID:{identity[1]} Master-Key:{master[1]}\n"
    check_all_is_read(recording, keys_from(lines.encode()))


@pytest.mark.parametrize("name", marked(KRSA))
@pytest.mark.parametrize("label", ["RSA", "PMS_CLIENT_RANDOM"])
def test_premaster_secrets_open_it(record: Record, label: str, name: str) -> None:
    """`RSA <first 8 bytes of the encrypted premaster secret> <premaster secret>`, and the same by client random."""
    recording = record(by_name(f"no extended master secret, {name}"))
    stream = recording.conversations[0].stream(CLIENT)
    encrypted = stream.partition(b"\x10\x00\x01\x02\x01\x00")[2][:256]  # ClientKeyExchange, RFC 5246 7.4.7.1
    premaster = server_key(recording).decrypt(encrypted, PKCS1v15())
    identity = encrypted[:8] if label == "RSA" else client_random(recording.conversations[0])
    check_all_is_read(recording, keys_from(f"{label} {identity.hex()} {premaster.hex()}\n".encode()))


@pytest.mark.parametrize("name", ["1.3 gcm", "1.2 rsa cbc"])
@pytest.mark.parametrize("form", ["UTF-16", "Windows line ends", "upper case", "truncated randoms", "remarks between"])
def test_a_key_log_in_an_odd_form_opens_it(record: Record, form: str, name: str) -> None:
    recording = record(by_name(f"maximum fragment length, {name}"))
    lines = [line for line in recording.keylog.decode().splitlines() if not line.startswith("#")]
    cut = ((label, random[:40], secret) for label, random, secret in (line.split() for line in lines))
    made = {
        "UTF-16": "\n".join(lines).encode("utf-16"),  # as a Windows shell's redirection writes it
        "Windows line ends": "\r\n".join(lines).encode(),
        "upper case": "\n".join(lines).upper().encode(),
        "truncated randoms": "\n".join(map(" ".join, cut)).encode(),
        "remarks between": "\n# and then\n\n".join(lines).encode(),
    }
    check_all_is_read(recording, keys_from(made[form]))


@pytest.mark.parametrize("name", ["session id, 1.2 gcm", "large, 1.3 gcm", "mac then encrypt, 1.2 rsa cbc"])
@pytest.mark.tshark
def test_a_key_log_inside_the_capture_is_enough(record: Record, name: str, tmp_path: Path) -> None:
    recording = record(by_name(name))
    (tmp_path / "keys").write_bytes(recording.keylog)
    plain = write(tmp_path / "plain.pcap", recording)
    inside = inject_secrets(plain, tmp_path / "keys", tmp_path / "inside.pcapng")
    found = events(inside, KeyLog())
    assert bodies(found) == true_bodies(recording)
    assert follow_tls(inside, range(len(recording.sent))) == dict(enumerate(recording.sent))


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["no extended master secret, 1.2 rsa cbc", "no extended master secret, 1.0 rsa cbc"])
def test_tshark_reads_the_same_with_the_servers_key(record: Record, name: str, tmp_path: Path) -> None:
    recording = record(by_name(name))
    capture = write(tmp_path / "capture.pcap", recording)
    assert follow_tls(capture, [0], rsa_key=recording.rsa_key) == {0: recording.sent[0]}
