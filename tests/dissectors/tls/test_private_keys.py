"""Private keys in every form in which people have them, and what is said of those that are no use."""

import datetime
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.tls import KeyLog

PASSWORD = b"correct horse"
PREMASTER = b"\x03\x03" + bytes(range(46))


@cache
def key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048 + 8 * number)


@cache
def certificate(number: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=3650))
    return builder.public_key(key(number).public_key()).sign(key(number), hashes.SHA256())


def written(encoding: Encoding, form: PrivateFormat, password: bytes | None = None, number: int = 0) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key(number).private_bytes(encoding, form, lock)


def packed(password: bytes | None, with_key: bool = True) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        b"x", key(0) if with_key else None, certificate(0) if with_key else None, [certificate(0)], lock
    )


PEM, DER = Encoding.PEM, Encoding.DER
PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
SERVER_CERTIFICATE = certificate(0).public_bytes(PEM)


def encrypted(number: int = 0, plain: bytes = PREMASTER) -> bytes:
    return key(number).public_key().encrypt(plain, padding.PKCS1v15())


FORMS = {
    "PEM, PKCS#1": (written(PEM, PKCS1), None),
    "PEM, PKCS#8": (written(PEM, PKCS8), None),
    "PEM, PKCS#1, encrypted": (written(PEM, PKCS1, PASSWORD), PASSWORD),
    "PEM, PKCS#8, encrypted": (written(PEM, PKCS8, PASSWORD), PASSWORD),
    "DER, PKCS#1": (written(DER, PKCS1), None),
    "DER, PKCS#8": (written(DER, PKCS8), None),
    "DER, PKCS#8, encrypted": (written(DER, PKCS8, PASSWORD), PASSWORD),
    "PKCS#12": (packed(None), None),
    "PKCS#12, encrypted": (packed(PASSWORD), PASSWORD),
    "a password that is not needed": (written(PEM, PKCS8), PASSWORD),
    "a certificate before it": (SERVER_CERTIFICATE + written(PEM, PKCS1), None),
    "words before it": (
        b"Bag Attributes\r\n    friendlyName: mail\r\n" + written(PEM, PKCS8).replace(b"\n", b"\r\n"),
        None,
    ),
    "a byte order mark": (b"\xef\xbb\xbf" + written(PEM, PKCS8), None),
    "a key that only signs before it": (
        ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, NoEncryption()) + written(PEM, PKCS8),
        None,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form):
    data, password = FORMS[form]
    keys = KeyLog()
    assert keys.add_private_key(data, "server.pem", password) == []
    assert keys.private_keys == 1
    assert keys.premaster(encrypted()) == PREMASTER
    assert keys.premaster(encrypted(), certificate(0).public_bytes(DER)) == PREMASTER


NO_USE = {
    "the key is encrypted; its password is needed": [
        (written(PEM, PKCS1, PASSWORD), None),
        (written(PEM, PKCS8, PASSWORD), None),
        (written(DER, PKCS8, PASSWORD), None),
        (packed(PASSWORD), None),
    ],
    "the password does not fit": [
        (written(PEM, PKCS1, PASSWORD), b"wrong"),
        (written(PEM, PKCS8, PASSWORD), b"wrong"),
        (written(DER, PKCS8, PASSWORD), b"wrong"),
        (packed(PASSWORD), b"wrong"),
    ],
    "not an RSA key: others only sign and open nothing; a TLS key log is needed": [
        (ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, NoEncryption()), None),
        (ed25519.Ed25519PrivateKey.generate().private_bytes(DER, PKCS8, NoEncryption()), None),
    ],
    "holds certificates and no private key": [(SERVER_CERTIFICATE, None), (packed(None, with_key=False), None)],
    "not a private key (PEM, DER, PKCS#8 or PKCS#12)": [
        (b"", None),
        (b"milk\nbread\n", None),
        (certificate(0).public_bytes(DER), None),
        (b"-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----\n", None),
        (b"CLIENT_RANDOM 00 11\n", PASSWORD),
        (bytes(3 << 20), None),
    ],
}


@pytest.mark.parametrize("remark", NO_USE)
def test_what_is_no_use_is_said_in_words(remark):
    for data, password in NO_USE[remark]:
        keys = KeyLog()
        assert keys.add_private_key(data, "server.pem", password) == [f"server.pem: {remark}"]
        assert keys.private_keys == 0


@given(data=st.binary(max_size=300), at=st.integers(0, 1200))
@settings(max_examples=10, deadline=None)
def test_any_bytes_are_survived(data, at):
    keys = KeyLog()
    for whole in (written(DER, PKCS8), packed(PASSWORD), written(PEM, PKCS8)):
        broken = whole[:at] + data + whole[at + len(data) :]
        assert len(keys.add_private_key(broken, "x", PASSWORD)) <= 1
    keys.add_private_key(data, "x")


def test_the_certificate_says_which_key_it_takes():
    keys = KeyLog()
    for number in (0, 1):
        assert keys.add_private_key(written(DER, PKCS8, number=number), "x") == []
    assert keys.add_private_key(written(DER, PKCS8, number=1), "x") == []  # the same once more
    assert keys.private_keys == 2
    other = certificate(2).public_bytes(DER)
    assert [keys.has_private_key(certificate(number).public_bytes(DER)) for number in (0, 1, 2)] == [True, True, False]
    for number in (0, 1):
        assert keys.premaster(encrypted(number), certificate(number).public_bytes(DER)) == PREMASTER
        assert keys.premaster(encrypted(number), None) == PREMASTER
        assert keys.premaster(encrypted(number), certificate(1 - number).public_bytes(DER)) is None
        assert keys.premaster(encrypted(number), other) is None


@pytest.mark.parametrize(
    "plain", [b"", b"\x03\x03short", b"\x16\x03" + bytes(46), b"\x03\x05" + bytes(46), b"\x03" * 49]
)
def test_what_is_no_premaster_secret_is_not_taken_for_one(plain):
    keys = KeyLog()
    assert keys.add_private_key(written(DER, PKCS8), "x") == []
    assert keys.premaster(encrypted(plain=plain)) is None


@pytest.mark.parametrize("sent", [b"", b"x", bytes(256), b"\xff" * 256, bytes(4096)])
def test_what_was_not_encrypted_to_the_key_gives_nothing(sent):
    # OpenSSL 3.2 and later answer with random bytes here instead of an error
    keys = KeyLog()
    assert keys.add_private_key(written(DER, PKCS8), "x") == []
    assert [keys.premaster(sent) for _ in range(20)] == [None] * 20


def test_no_more_keys_are_kept_than_can_be_tried(monkeypatch):
    monkeypatch.setattr("dissectors.tls.private_keys.KEYS_LIMIT", 1)
    keys = KeyLog()
    assert keys.add_private_key(written(DER, PKCS8), "a") == []
    assert keys.add_private_key(written(DER, PKCS8, number=1), "b") == ["b: more than 1 private keys"]


def test_keys_do_not_show_in_what_is_printed():
    keys = KeyLog()
    keys.add_private_key(written(PEM, PKCS8), "x")
    assert repr(keys._private) == "PrivateKeys(1)"
    assert repr(keys) == "KeyLog(0 client randoms)"
