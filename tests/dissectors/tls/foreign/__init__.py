"""Conversations recorded from other TLS implementations, kept as files; the programs that made them stand beside them.

tlslite-ng: SSL 3.0, RC4, 3DES, encrypt-then-MAC. Java: DES, export suites, the ClientHello in SSL 2.0 format,
renegotiation. GnuTLS: Camellia in GCM. The server's private key opens those with RSA key exchange, a key log line the
others.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dissectors.tls import KeyLog


@dataclass(frozen=True)
class Foreign:
    """One conversation."""

    name: str
    version: str
    suite: str
    turns: list[tuple[int, bytes]]
    key_log: bytes  # empty: the implementation writes none
    private_key: bytes
    sent: tuple[bytes, bytes]

    @property
    def rsa(self) -> bool:
        """Whether the private key opens it."""
        return self.suite.startswith("TLS_RSA_")

    def keys(self, *, private: bool) -> KeyLog:
        """What opens it: the private key, or the key log line."""
        keys = KeyLog()
        odd = keys.add_private_key(self.private_key, "key.pem") if private else keys.add(self.key_log, "keys.log")
        assert odd == []
        return keys


@cache
def foreign() -> dict[str, Foreign]:
    """All of them by name."""
    found: dict[str, Foreign] = {}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        content = json.loads(path.read_text())
        for entry in content["recordings"]:
            found[entry["name"]] = Foreign(
                name=entry["name"],
                version=entry["version"],
                suite=entry["suite"],
                turns=[(side, bytes.fromhex(data)) for side, data in entry["turns"]],
                key_log=entry.get("key_log", "").encode(),
                private_key=content["private_key"].encode(),
                sent=(bytes.fromhex(content["sent"][0]), bytes.fromhex(content["sent"][1])),
            )
    return found
