"""Connections of SSL 3.0 to TLS 1.2 made by hand, for what no implementation at hand still speaks, and for loss.

Sealing is written here from the RFCs a second time; only the key block comes from the code under test, where recordings
of others prove it.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dissectors.events import CLIENT, SERVER
from dissectors.tls.ciphers import Suite
from dissectors.tls.legacy_keys import KeyMaterial, key_pair
from tests.dissectors.tls.dialogue import APPLICATION, CHANGE_CIPHER_SPEC, HANDSHAKE, message, record

MASTER = bytes(range(48))
SSL_3_0, TLS_1_0, TLS_1_1, TLS_1_2 = 0x0300, 0x0301, 0x0302, 0x0303

_ALGORITHMS = {
    "AES": algorithms.AES,
    "CAMELLIA": decrepit.Camellia,
    "3DES_EDE": decrepit.TripleDES,
    "SEED": decrepit.SEED,
    "IDEA": decrepit.IDEA,
    "DES": lambda key: decrepit.TripleDES(key * 3),
}


class Sealer:
    """Makes the records of one direction."""

    def __init__(self, made: "Older", material: KeyMaterial) -> None:
        self.made = made
        self.secret, self.key, self.iv = material
        self.sequence = 0
        self.stream = Cipher(decrepit.ARC4(self.key), None).encryptor() if made.suite.algorithm == "RC4" else None

    def mac(self, kind: int, content: bytes) -> bytes:
        version, name = self.made.version, self.made.suite.mac_name
        number = self.sequence.to_bytes(8, "big")
        length = len(content).to_bytes(2, "big")
        if version == SSL_3_0:
            pad = 48 if name == "md5" else 40
            inner = hashlib.new(name, self.secret + b"6" * pad + number + bytes((kind,)) + length + content).digest()
            return hashlib.new(name, self.secret + b"\\" * pad + inner).digest()
        head = number + bytes((kind,)) + version.to_bytes(2, "big") + length
        return hmac.new(self.secret, head + content, name).digest()[: 10 if self.made.truncated_mac else None]

    def __call__(self, content: bytes, kind: int = APPLICATION, padding: int = 0) -> bytes:
        """One record; `padding` is how many blocks of it there are besides the last."""
        made = self.made
        if made.suite.mode == "stream":
            body = content + self.mac(kind, content)
            body = self.stream.update(body) if self.stream else body
        else:
            body = self.blocks(content, kind, padding)
        self.sequence += 1
        return record(kind, body, made.version)

    def blocks(self, content: bytes, kind: int, padding: int) -> bytes:
        made, block = self.made, self.made.suite.block_bytes
        plain = content if made.encrypt_then_mac else content + self.mac(kind, content)
        last = block - 1 - len(plain) % block + padding * block
        plain += (b"\xee" * last if made.version == SSL_3_0 else bytes((last,)) * last) + bytes((last,))
        explicit = made.version >= TLS_1_1
        iv = hashlib.md5(b"%d" % self.sequence).digest()[:block] if explicit else self.iv
        cipher = Cipher(_ALGORITHMS[made.suite.algorithm](self.key), modes.CBC(iv)).encryptor()
        sealed = cipher.update(plain)
        self.iv = sealed[-block:]
        sealed = iv + sealed if explicit else sealed
        return sealed + self.mac(kind, sealed) if made.encrypt_then_mac else sealed


@dataclass
class Older:
    """One connection."""

    suite: Suite
    version: int
    encrypt_then_mac: bool = False
    truncated_mac: bool = False
    compression: int = 0
    random: bytes = bytes(range(32))
    server_random: bytes = b"S" * 32
    turns: list[tuple[int, bytes | int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        client, server = key_pair(self.version, self.suite, MASTER, self.random, self.server_random)
        self.client, self.server = Sealer(self, client), Sealer(self, server)

    def keys(self) -> bytes:
        return f"CLIENT_RANDOM {self.random.hex()} {MASTER.hex()}\n".encode()

    def hello(self) -> bytes:
        body = self.version.to_bytes(2, "big") + self.random + b"\x00"
        body += b"\x00\x02" + self.suite.code.to_bytes(2, "big") + b"\x01\x00"
        return record(HANDSHAKE, message(1, body), self.version)

    def answer(self) -> bytes:
        body = self.version.to_bytes(2, "big") + self.server_random + b"\x00"
        body += self.suite.code.to_bytes(2, "big") + bytes((self.compression,))
        extensions = b"\x00\x04\x00\x00" * self.truncated_mac + b"\x00\x16\x00\x00" * self.encrypt_then_mac
        body += len(extensions).to_bytes(2, "big") + extensions if extensions else b""
        return record(HANDSHAKE, message(2, body), self.version)

    def shake_hands(self) -> "Older":
        certificate = message(11, b"\x00\x00\x0c" + b"\x00\x00\x09" + b"mail.test")
        finished = message(20, bytes(36 if self.version == SSL_3_0 else 12))
        change = record(CHANGE_CIPHER_SPEC, b"\x01", self.version)
        flight = record(HANDSHAKE, certificate + message(14, b""), self.version)
        exchange = record(HANDSHAKE, message(16, bytes(130)), self.version)
        self.turns += [
            (CLIENT, self.hello()),
            (SERVER, self.answer() + flight),
            (CLIENT, exchange + change),
            (CLIENT, self.client(finished, HANDSHAKE)),
            (SERVER, change),
            (SERVER, self.server(finished, HANDSHAKE)),
        ]
        return self

    def says(self, side: int, *contents: bytes, kind: int = APPLICATION, padding: int = 0) -> "Older":
        """One record for each content, each its own turn."""
        sealer = self.client if side == CLIENT else self.server
        self.turns += [(side, sealer(content, kind, padding)) for content in contents]
        return self
