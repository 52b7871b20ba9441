"""RSA signatures over MD5 and SHA-1 (RFC 8017 8.2.2), which `cryptography` verifies no more, rightly.

Here they are no proof of anything: a chain that is signed so is told as weak. They only show how the chain was meant.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

# What stands before the digest (RFC 8017 9.2, note 1).
_PREFIXES: Final = {
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
}
MODULUS_BITS: Final = 16_384  # as OpenSSL's limit
EXPONENT_BITS: Final = 64


def is_old(hash_name: str) -> bool:
    """Whether signatures over this hash are looked at here."""
    return hash_name in _PREFIXES


def fits(certificate: x509.Certificate, issuer: x509.Certificate, hash_name: str) -> bool:
    """Whether the issuer's RSA key made the certificate's signature. Raises what `cryptography` cannot read."""
    key = issuer.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    numbers = key.public_numbers()
    if key.key_size > MODULUS_BITS or numbers.e.bit_length() > EXPONENT_BITS:
        return False
    digest = _PREFIXES[hash_name] + hashlib.new(hash_name, certificate.tbs_certificate_bytes).digest()
    size = (key.key_size + 7) // 8
    padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return pow(int.from_bytes(certificate.signature, "big"), numbers.e, numbers.n) == int.from_bytes(padded, "big")
