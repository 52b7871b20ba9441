"""How connections end: refused, broken off, closed. The alerts are told with their side and number, in clear or not."""

from pathlib import Path

import pytest

from dissectors.events import CLIENT, SERVER
from tests.support.tls_recording.recorder import Ends, Kills, Scenario, Visit, exchange
from tests.tls_live.conftest import Record
from tests.tls_live.reading import bodies, connections, events, keys_from, read, true_bodies, write
from tests.tls_live.scenarios import suite_of

FATAL = 2
HANDSHAKE_FAILURE, UNKNOWN_CA, PROTOCOL_VERSION, CERTIFICATE_REQUIRED = 40, 48, 70, 116

ALERTS = {  # what happens: suite, options of the server and the client, who sends which alert
    "the client refuses the certificate, 1.3": ("1.3 gcm", (), ("-verify_return_error",), CLIENT, UNKNOWN_CA),
    "the client refuses the certificate, 1.2": ("1.2 gcm", (), ("-verify_return_error",), CLIENT, UNKNOWN_CA),
    "the client refuses the certificate, 1.0": ("1.0 cbc", (), ("-verify_return_error",), CLIENT, UNKNOWN_CA),
    "the server demands a certificate, 1.3": ("1.3 gcm", ("-Verify", "1"), (), SERVER, CERTIFICATE_REQUIRED),
    "the server demands a certificate, 1.2": ("1.2 cbc", ("-Verify", "1"), (), SERVER, HANDSHAKE_FAILURE),
    "the server demands a certificate, 1.0": ("1.0 cbc", ("-Verify", "1"), (), SERVER, HANDSHAKE_FAILURE),
    "no suite in common": ("1.2 gcm", ("-cipher", "AES128-SHA"), (), SERVER, HANDSHAKE_FAILURE),
    "no version in common": ("1.0 cbc", (), (), SERVER, PROTOCOL_VERSION),
}


@pytest.mark.parametrize("what", ALERTS)
def test_a_fatal_alert_is_told_with_its_side_and_number(record: Record, what: str) -> None:
    name, server, client, side, number = ALERTS[what]
    recording = record(
        Scenario(
            name=what,
            suite=suite_of(name),
            server=server,
            client=client,
            server_version="tls1_2" if number == PROTOCOL_VERSION else "",
            visits=(Visit(talk=(Ends(),)),),
        )
    )
    for keylog in (recording.keylog, recording.client_keylog, b""):
        if number == CERTIFICATE_REQUIRED and not keylog:
            continue  # the only one of them that is encrypted
        (found,) = read(recording, keys_from(keylog))
        alerts = [(who, level, description) for who, _, level, description in found.connection.facts().alerts]
        assert alerts == [(side, FATAL, number)]
        assert found.plaintext == (b"", b"")


@pytest.mark.parametrize("name", ["1.3 gcm", "1.2 gcm", "1.2 rsa cbc", "1.0 cbc"])
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_a_side_that_dies_says_no_goodbye(record: Record, name: str, side: int, tmp_path: Path) -> None:
    full = f"{('client', 'server')[side]} dies, {name}"
    talk = (*exchange(full), Kills(side), Ends())
    recording = record(Scenario(name=full, suite=suite_of(name), visits=(Visit(talk=talk),)))
    found = events(write(tmp_path / "capture.pcap", recording), keys_from(recording.keylog))
    assert bodies(found) == true_bodies(recording)
    (connection,) = connections(found)
    assert (connection.decryption, connection.why_encrypted) == ("decrypted", None)
    assert connection.tls is not None
    assert connection.tls.close_notify_ns[side] is None
    assert connection.first_close_side == side


@pytest.mark.parametrize("name", ["1.3 gcm", "1.2 gcm", "1.2 rsa cbc", "1.0 cbc", "1.0 null"])
def test_a_goodbye_is_told_with_its_frame(record: Record, name: str) -> None:
    full = f"goodbye, {name}"
    recording = record(Scenario(name=full, suite=suite_of(name)))
    (found,) = read(recording)
    turns = recording.conversations[0].turns()
    last = [max(number for number, (who, _) in enumerate(turns, start=1) if who == side) for side in (CLIENT, SERVER)]
    assert list(found.connection.facts().close_notify_frame) == last
