"""Records conversations of tlslite-ng with itself: versions and suites that today's OpenSSL no longer speaks.

    pip install tlslite-ng
    python record_tlslite.py > tlslite.json

The recordings are kept, so the tests need no tlslite-ng. Each holds what both sides put on the wire in order, the
master secret as a key log line, and what both sides said; the server's private key is the same for all.
"""

import datetime
import json
import socket
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey

SAID = (b"POST /Microsoft-Server-ActiveSync?Cmd=Ping HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"", b"up" * 700, b"last")
ANSWERED = (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"x", bytes(range(256)) * 10, b"the end")

CASES = [  # name, version, cipher, MAC, key exchange, encrypt-then-MAC, extended master secret, suite
    ("ssl3-rc4-md5", (3, 0), "rc4", "md5", "rsa", False, False, "TLS_RSA_WITH_RC4_128_MD5"),
    ("ssl3-rc4-sha", (3, 0), "rc4", "sha", "rsa", False, False, "TLS_RSA_WITH_RC4_128_SHA"),
    ("ssl3-3des", (3, 0), "3des", "sha", "rsa", False, False, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("ssl3-aes128", (3, 0), "aes128", "sha", "dhe_rsa", False, False, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    ("ssl3-null", (3, 0), "null", "sha", "rsa", False, False, "TLS_RSA_WITH_NULL_SHA"),
    ("tls10-rc4-md5", (3, 1), "rc4", "md5", "rsa", False, False, "TLS_RSA_WITH_RC4_128_MD5"),
    ("tls10-3des", (3, 1), "3des", "sha", "rsa", False, False, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("tls10-aes256", (3, 1), "aes256", "sha", "rsa", False, True, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ("tls10-aes128-etm", (3, 1), "aes128", "sha", "rsa", True, True, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("tls11-rc4", (3, 2), "rc4", "sha", "ecdhe_rsa", False, False, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    ("tls11-3des-etm", (3, 2), "3des", "sha", "rsa", True, True, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("tls12-rc4", (3, 3), "rc4", "sha", "rsa", False, True, "TLS_RSA_WITH_RC4_128_SHA"),
    ("tls12-3des", (3, 3), "3des", "sha", "ecdhe_rsa", False, False, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("tls12-aes256-sha256-etm", (3, 3), "aes256", "sha256", "rsa", True, True, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ("tls12-aes256gcm", (3, 3), "aes256gcm", "aead", "rsa", False, True, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
]  # fmt: skip


class Noted:
    """A socket that notes what it sends."""

    def __init__(self, wire: socket.socket, side: int, turns: list[tuple[int, bytes]]) -> None:
        self._wire, self._side, self._turns = wire, side, turns

    def send(self, data: bytes) -> int:
        self._turns.append((self._side, bytes(data)))
        self._wire.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.send(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._wire, name)


def identity() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=36500)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def record(case: tuple, certificate: str, key: str) -> dict[str, object]:
    name, version, cipher, mac, exchange, etm, ems, suite = case
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = version
    settings.cipherNames, settings.macNames, settings.keyExchangeNames = [cipher], [mac], [exchange]
    settings.useEncryptThenMAC, settings.useExtendedMasterSecret = etm, ems
    settings.minKeySize = 512
    turns: list[tuple[int, bytes]] = []
    near, far = socket.socketpair()
    client, server = TLSConnection(Noted(near, 0, turns)), TLSConnection(Noted(far, 1, turns))
    chain = X509CertChain()
    chain.parsePemList(certificate)

    def serve() -> None:
        server.handshakeServer(certChain=chain, privateKey=parsePEMKey(key, private=True), settings=settings)

    thread = threading.Thread(target=serve)
    thread.start()
    client.handshakeClientCert(settings=settings)
    thread.join()
    for said, answered in zip(SAID, ANSWERED, strict=True):
        for speaker, listener, data in ((client, server, said), (server, client, answered)):
            if data:
                speaker.write(data)
                assert listener.read(max=len(data), min=len(data)) == data
    random, master = bytes(client._clientRandom).hex(), bytes(client.session.masterSecret).hex()
    return {
        "name": name,
        "version": f"SSL {version[0]}.0" if version == (3, 0) else f"TLS 1.{version[1] - 1}",
        "suite": suite,
        "key_log": f"CLIENT_RANDOM {random} {master}\n",
        "turns": [[side, data.hex()] for side, data in turns],
    }


def main() -> None:
    certificate, key = identity()
    recordings = [record(case, certificate, key) for case in CASES]
    said = [b"".join(SAID).hex(), b"".join(ANSWERED).hex()]
    json.dump({"private_key": key, "sent": said, "recordings": recordings}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
