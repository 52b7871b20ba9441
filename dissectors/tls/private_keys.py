"""RSA private keys of servers, which open every handshake that sends its secret encrypted to them (RFC 5246 7.4.7.1).

Read are PEM (with certificates or other things beside the keys), DER, PKCS#8 and PKCS#12, encrypted or not. Other kinds
of key only sign, so they open nothing: that is said. Keys never appear in what this module says, nor in a `repr`.
"""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEYS_LIMIT: Final = 64  # each is tried where the certificate is not in the capture
FILE_LIMIT: Final = 1 << 20  # bytes of one file of keys
PREMASTER_BYTES: Final = 48

_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.{1,100000}?-----END \1-----", re.DOTALL)
_PEM_OTHER: Final = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_PKCS12: Final = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"  # PKCS#7 data or signed data behind version 3

_LOCKED: Final = "the key is encrypted; its password is needed"
_WRONG_PASSWORD: Final = "the password does not fit"
_NO_KEY: Final = "not a private key (PEM, DER, PKCS#8 or PKCS#12)"
_UNKNOWN_LOCK: Final = "the key is of a kind, or encrypted in a way, that is not supported here"


class PrivateKeys:
    """The servers' keys, and what they decrypt."""

    def __init__(self) -> None:
        self._keys: list[tuple[bytes, RSAPrivateKey]] = []  # with the modulus as it stands in certificates

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"PrivateKeys({len(self)})"

    def add(self, data: bytes, origin: str, password: bytes | None) -> list[str]:
        """Takes in the keys of one file; says what is odd when none of them is of use."""
        blocks = [match[0] for match in _PEM.finditer(data[:FILE_LIMIT])]
        remarks = [self._add_one(block, password, pem=True) for block in blocks]
        if not blocks:
            if _PEM_OTHER.search(data[:FILE_LIMIT]):
                remarks = ["holds certificates and no private key"]
            else:
                remarks = [self._add_one(data, password, pem=False) if len(data) <= FILE_LIMIT else _NO_KEY]
        if None in remarks:
            return []
        return [f"{origin}: {remarks[0]}"]

    def premaster(self, encrypted: bytes, certificate: bytes | None) -> bytes | None:
        """The premaster secret that was encrypted to the certificate's key, or to any when it was not seen.

        `certificate` may have other bytes around it: the key's modulus is looked for, nothing is parsed.
        """
        from cryptography.hazmat.primitives.asymmetric import padding

        for modulus, key in self._keys:
            if certificate is not None and modulus not in certificate:
                continue
            try:
                plain = key.decrypt(encrypted, padding.PKCS1v15())
            except ValueError:
                continue
            # OpenSSL 3.2 and later answer a wrong key with random bytes (implicit rejection), so the form must tell.
            if len(plain) == PREMASTER_BYTES and plain[0] == 3 and plain[1] <= 4:
                return plain
        return None

    def fits(self, certificate: bytes | None) -> bool:
        """Whether the key of a certificate is here; of one that was not seen it may be."""
        return any(certificate is None or modulus in certificate for modulus, _ in self._keys)

    def _add_one(self, data: bytes, password: bytes | None, *, pem: bool) -> str | None:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        key = _load(data, password, pem)
        if isinstance(key, str):
            return key
        if not isinstance(key, RSAPrivateKey):
            return "not an RSA key: others only sign and open nothing; a TLS key log is needed"
        modulus = key.public_key().public_numbers().n
        as_sent = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
        if any(as_sent == known for known, _ in self._keys):
            return None
        if len(self._keys) >= KEYS_LIMIT:
            return f"more than {KEYS_LIMIT} private keys"
        self._keys.append((as_sent, key))
        return None


def _load(data: bytes, password: bytes | None, pem: bool) -> object:
    """A private key of any kind, or words that say why there is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    try:
        if not pem and _PKCS12 in data[:64]:
            return _load_pkcs12(data, password)
        load = load_pem_private_key if pem else load_der_private_key
        try:
            return load(data, None)
        except TypeError:  # it is encrypted
            if password is None:
                return _LOCKED
            try:
                return load(data, password)
            except ValueError:
                return _WRONG_PASSWORD
    except UnsupportedAlgorithm:
        return _UNKNOWN_LOCK
    except (ValueError, TypeError):
        return _NO_KEY


def _load_pkcs12(data: bytes, password: bytes | None) -> object:
    from cryptography.hazmat.primitives.serialization import pkcs12

    for attempt in (password, None, b""):  # files without a password have been made with none, and with an empty one
        try:
            key, certificate, others = pkcs12.load_key_and_certificates(data, attempt)
        except ValueError:
            continue
        return key or ("holds certificates and no private key" if certificate or others else _NO_KEY)
    return _LOCKED if password is None else _WRONG_PASSWORD
