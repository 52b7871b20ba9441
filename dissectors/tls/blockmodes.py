"""GCM over any block cipher of 128 bits (NIST SP 800-38D), for Camellia and ARIA, of which no library here has it.

The block cipher itself comes from a library and is handed in; this is only the mode. It decrypts some megabytes a
second, where AES-GCM, which never comes here, does a thousand times that.
"""

from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from cryptography.exceptions import InvalidTag

BLOCK_BYTES: Final = 16
TAG_BYTES: Final = 16

_POLYNOMIAL: Final = 0xE1 << 120  # SP 800-38D 6.3

Encrypt = Callable[[bytes], bytes]  # whole blocks, each by itself


def _shifted(value: int, bits: int) -> int:
    """Times x to the power of `bits`; the first bit of a block is its lowest power."""
    for _ in range(bits):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_REDUCED: Final = tuple(_shifted(low, 8) for low in range(256))  # what a byte shifted out adds


class BlockGcm:
    """Opens messages as `cryptography`'s AESGCM does, with tags of 16 and nonces of 12 bytes."""

    __slots__ = ("_encrypt", "_multiples")

    def __init__(self, encrypt: Encrypt) -> None:
        self._encrypt = encrypt
        powers = [int.from_bytes(encrypt(bytes(BLOCK_BYTES)), "big")]  # the hash key, times x for each bit of a byte
        for _ in range(7):
            powers.append(_shifted(powers[-1], 1))
        multiples = [0]
        for bit in range(8):
            multiples += [known ^ powers[7 - bit] for known in multiples]
        self._multiples = multiples

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """The plaintext. Raises `InvalidTag`."""
        body, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        mask = self._encrypt(nonce + b"\x00\x00\x00\x01")
        if not compare_digest(_xor(self._hash(associated_data or b"", body), mask), tag):
            raise InvalidTag
        return self.counter(nonce).update(body)

    def counter(self, nonce: bytes) -> "BlockCounter":
        """The counter mode inside, which decrypts without authenticating."""
        return BlockCounter(self._encrypt, nonce)

    def _hash(self, associated: bytes, body: bytes) -> bytes:
        """GHASH, SP 800-38D 6.4 and 7.1."""
        multiples, reduced = self._multiples, _REDUCED
        lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * len(body)).to_bytes(8, "big")
        total = 0
        for part in (associated, body, lengths):
            for at in range(0, len(part), BLOCK_BYTES):
                block = part[at : at + BLOCK_BYTES].ljust(BLOCK_BYTES, b"\x00")
                mixed = total ^ int.from_bytes(block, "big")
                total = 0
                for byte in mixed.to_bytes(BLOCK_BYTES, "little"):
                    total = (total >> 8) ^ reduced[total & 0xFF] ^ multiples[byte]
        return total.to_bytes(BLOCK_BYTES, "big")


class BlockCounter:
    """Counter mode from block number 2 of a nonce."""

    __slots__ = ("_encrypt", "_nonce")

    def __init__(self, encrypt: Encrypt, nonce: bytes) -> None:
        self._encrypt = encrypt
        self._nonce = nonce

    def update(self, data: bytes, /) -> bytes:
        """Decrypts from the message's beginning."""
        nonce = self._nonce
        count = -(-len(data) // BLOCK_BYTES)
        blocks = b"".join(nonce + number.to_bytes(4, "big") for number in range(2, 2 + count))
        return _xor(data, self._encrypt(blocks)[: len(data)])


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
