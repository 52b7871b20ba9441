"""Who the servers and clients of the recordings are: keys and self-signed certificates, made once for each session.

One of each kind that OpenSSL's suites authenticate with: RSA, ECDSA and DSA.
"""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HOST = "mail.test"
KINDS = ("rsa", "ecdsa", "dsa")

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey


def make_key(kind: str) -> Key:
    """A new private key, as small as every version of the protocol and OpenSSL's lowest level accept."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ecdsa":
        return ec.generate_private_key(ec.SECP256R1())
    return dsa.generate_private_key(1024)


def write_identity(directory: Path, kind: str, name: str) -> Path:
    """Writes the key and its certificate into one PEM file, `DIRECTORY/NAME.pem`."""
    key = make_key(kind)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    path = directory / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return path
