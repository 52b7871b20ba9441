"""From a suite and a key to objects that decrypt: the only place that knows which library has which algorithm.

Almost all come from `cryptography`, the old ones from its `decrepit` module (43 and later; before that they stood
beside the others). ARIA and the GCM mode of Camellia, which it does not have, are made from `blockmodes`.
"""

from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from dissectors.tls.blockmodes import BlockGcm
from dissectors.tls.ciphers import Mode, Suite
from dissectors.tls.libcrypto import Aria

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherAlgorithm

_NAMES = {"AES": "AES", "CAMELLIA": "Camellia", "3DES_EDE": "TripleDES", "IDEA": "IDEA", "SEED": "SEED", "RC4": "ARC4"}


class Aead(Protocol):
    """The one method of `cryptography`'s AEAD classes that is needed."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...


class Context(Protocol):
    """A cipher at work: takes and gives bytes, whole blocks of them in the block modes."""

    def update(self, data: bytes, /) -> bytes: ...


def available(suite: Suite) -> bool:
    """Whether the libraries of this machine have what a suite needs."""
    known = _available.get(suite.code)
    if known is None:
        known = _available[suite.code] = _try(suite)
    return known


_available: dict[int, bool] = {}  # by the suite's code


def _try(suite: Suite) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    key = bytes(range(suite.key_bytes))
    try:
        if suite.aead:
            aead(suite, key)
        elif suite.mode == "cbc":
            cbc_decryptor(suite, key)
        elif suite.algorithm == "RC4":
            rc4(key)
    except (UnsupportedAlgorithm, LookupError):
        return False
    return True


def aead(suite: Suite, key: bytes) -> Aead:
    """The AEAD object for one key; make it once per key, it costs as much as three small records."""
    if suite.algorithm in ("AES", "CHACHA20"):
        return _aead_class(suite.mode, suite.tag_bytes)(key)
    return BlockGcm(_ecb_encryptor(suite, key))


@cache
def _aead_class(mode: Mode, tag_bytes: int) -> Callable[[bytes], Aead]:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

    if mode == "ccm":
        return partial(AESCCM, tag_length=tag_bytes)
    return AESGCM if mode == "gcm" else ChaCha20Poly1305


def keystream(suite: Suite, key: bytes, nonce: bytes) -> Context:
    """The counter mode inside an AEAD, which decrypts without authenticating.

    GCM starts at 2 (NIST SP 800-38D 7.1), CCM (RFC 3610 2.3) and ChaCha20 (RFC 8439 2.8) at 1.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if suite.mode == "chacha20":
        return Cipher(algorithms.ChaCha20(key, (1).to_bytes(4, "little") + nonce), None).decryptor()
    if suite.algorithm != "AES":
        return BlockGcm(_ecb_encryptor(suite, key)).counter(nonce)
    first = nonce + (2).to_bytes(4, "big") if suite.mode == "gcm" else b"\x02" + nonce + (1).to_bytes(3, "big")
    return Cipher(algorithms.AES(key), modes.CTR(first)).decryptor()


def cbc_decryptor(suite: Suite, key: bytes) -> Context:
    """A CBC decryptor with an IV of zeros: only its first block depends on that, the others on the block before."""
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    if suite.algorithm == "ARIA":
        return Aria(key, "cbc", encrypt=False)
    return Cipher(_algorithm(suite, key), modes.CBC(bytes(suite.block_bytes))).decryptor()


def rc4(key: bytes) -> Context:
    """The keystream generator of RC4: what comes out for zeros is the keystream."""
    from cryptography.hazmat.primitives.ciphers import Cipher

    return Cipher(_class("RC4")(key), None).encryptor()


def _ecb_encryptor(suite: Suite, key: bytes) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    if suite.algorithm == "ARIA":
        return Aria(key, "ecb", encrypt=True).update
    return Cipher(_algorithm(suite, key), modes.ECB()).encryptor().update


def _algorithm(suite: Suite, key: bytes) -> "CipherAlgorithm":
    if suite.algorithm == "DES":
        return _class("3DES_EDE")(key * 3)  # encrypting, decrypting and encrypting under one key is DES
    return _class(suite.algorithm)(key)


@cache
def _class(algorithm: str) -> "Callable[[bytes], CipherAlgorithm]":
    from cryptography.hazmat.primitives.ciphers import algorithms

    places: list[ModuleType] = [algorithms]
    try:
        from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit

        places.insert(0, decrepit)
    except ImportError:
        pass
    name = _NAMES[algorithm]
    found = next((place for place in places if hasattr(place, name)), None)
    if found is None:
        raise LookupError(algorithm)
    constructor: Callable[[bytes], CipherAlgorithm] = getattr(found, name)
    return constructor
