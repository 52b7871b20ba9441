"""Whose certificates were shown: in clear up to TLS 1.2, with keys in TLS 1.3, at the beginning or later."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog
from tests.support.tls_recording.recorder import Recorder
from tests.tls_live.conftest import Record
from tests.tls_live.reading import keys_from, read
from tests.tls_live.scenarios import NAMED, TLS13, by_name, marked


def leaf(recorder: Recorder, whose: str = "") -> tuple[bytes, ...]:
    """The chain that is shown: nothing but the certificate itself."""
    return (load_pem_x509_certificate(recorder.identity("rsa", whose).read_bytes()).public_bytes(Encoding.DER),)


@pytest.mark.parametrize("name", marked(NAMED))
def test_both_certificates_are_those_that_were_shown(record: Record, recorder: Recorder, name: str) -> None:
    (found,) = read(record(by_name(f"client certificate, {name}")))
    assert found.connection.certificates == (leaf(recorder, "client-"), leaf(recorder))


@pytest.mark.parametrize("name", marked(NAMED))
def test_a_client_that_has_none_shows_none(record: Record, recorder: Recorder, name: str) -> None:
    (found,) = read(record(by_name(f"no client certificate, {name}")))
    assert found.connection.certificates == ((), leaf(recorder))


@pytest.mark.parametrize("name", marked(NAMED))
def test_without_a_key_they_are_seen_up_to_tls_12(record: Record, recorder: Recorder, name: str) -> None:
    (found,) = read(record(by_name(f"client certificate, {name}")), KeyLog())
    seen = found.connection.certificates
    assert (seen[CLIENT], seen[SERVER]) == (((), ()) if name in TLS13 else (leaf(recorder, "client-"), leaf(recorder)))


@pytest.mark.parametrize("name", ["small fragments, 1.2 rsa cbc", "small fragments, 1.3 gcm"])
def test_a_certificate_in_many_records_is_put_together(record: Record, recorder: Recorder, name: str) -> None:
    (found,) = read(record(by_name(name)))
    assert found.connection.certificates[SERVER] == leaf(recorder)


@pytest.mark.parametrize(
    "name",
    [
        "renegotiation for a certificate, 1.2 rsa cbc",
        "renegotiation for a certificate, 1.2 gcm",
        "post-handshake authentication, 1.3 gcm",
    ],
)
def test_a_clients_certificate_that_is_asked_for_later_is_seen(record: Record, recorder: Recorder, name: str) -> None:
    recording = record(by_name(name))
    (found,) = read(recording, keys_from(recording.keylog))
    assert found.connection.certificates[CLIENT] == leaf(recorder, "client-")
