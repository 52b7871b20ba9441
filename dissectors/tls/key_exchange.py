"""The key exchange of SSL 3.0 to TLS 1.2 seen passively: from what is known beforehand to the master secret.

The master secret is logged for this client random, or was that of a session which is resumed, or is computed from the
premaster secret. That again is logged, or was sent encrypted to a server whose private key is here. With the extended
master secret (RFC 7627) all handshake messages up to ClientKeyExchange are needed for it, so they are kept until then,
if there is anything that could make use of them.
"""

from typing import Final

from dissectors.events import CLIENT
from dissectors.tls import handshake, reasons
from dissectors.tls.ciphers import Suite
from dissectors.tls.keylog import KeyLog, Secrets
from dissectors.tls.legacy_keys import extended_master_secret, master_secret

TRANSCRIPT_LIMIT: Final = 256 * 1024  # bytes of handshake messages kept for the extended master secret


class KeyExchange:
    """One handshake's way to a master secret."""

    __slots__ = ("_broken", "_encrypted", "_keylog", "_messages", "_settled", "_size", "certificate", "done")

    def __init__(self, keylog: KeyLog) -> None:
        self._keylog = keylog
        self._messages: tuple[list[bytes], list[bytes]] | None = None  # by side, when they may be needed
        self._size = 0
        self._broken = False  # not all messages are in the capture, or they are too many to keep
        self._settled = False  # tried
        self._encrypted = b""  # the encrypted premaster secret, or what else the client sent
        self.certificate: bytes | None = None  # the message with the server's
        self.done = False  # the ClientKeyExchange was seen

    def note(self, side: int, kind: int, body: bytes) -> None:
        """A handshake message, in order."""
        if self.done or kind == handshake.HELLO_REQUEST:
            return
        if self._keylog.computes_masters and not self._broken:
            self._size += len(body)
            if self._messages is None:
                self._messages = ([], [])
            self._messages[side].append(bytes((kind,)) + len(body).to_bytes(3, "big") + body)
            if self._size > TRANSCRIPT_LIMIT:
                self.lose()
        if kind == handshake.CLIENT_KEY_EXCHANGE and side == CLIENT:
            self._encrypted = handshake.encrypted_premaster(body)
            self.done = True

    def lose(self) -> None:
        """Handshake messages are missing."""
        if not self.done:
            self._broken = True
            self._messages = None

    def hopes(self, suite: Suite, secrets: Secrets | None) -> bool:
        """Whether the ClientKeyExchange may bring the master secret."""
        return bool(secrets and secrets.premaster) or (_is_rsa(suite) and self._keylog.opens_rsa)

    def master(
        self, version: int, suite: Suite, secrets: Secrets | None, randoms: bytes, extended: bool
    ) -> bytes | None:
        """The master secret from the premaster secret; `randoms` are the client's and the server's."""
        if not self.done or self._settled:
            return None
        premaster = secrets.premaster if secrets else None
        if premaster is None and _is_rsa(suite):
            premaster = self._keylog.premaster(self._encrypted, self.certificate)
        if premaster is None:
            return None
        if not extended:
            return master_secret(version, suite, premaster, randoms[:32], randoms[32:])
        if self._broken or self._messages is None:
            return None
        by_client, by_server = self._messages
        transcript = by_client[0] + b"".join(by_server) + b"".join(by_client[1:])
        return extended_master_secret(version, suite, premaster, transcript)

    def settle(self) -> None:
        """With the ClientKeyExchange the master secret is known, or never will be: lets go of the messages."""
        if self.done:
            self._settled = True
            self._messages = None

    def why_not(self, suite: Suite, secrets: Secrets | None) -> str:
        """Why there is no master secret, one of `reasons.WHY`."""
        if self.hopes(suite, secrets):
            if not self.done or self._broken:
                return reasons.GAP
            return reasons.KEY_DOES_NOT_FIT if self._keylog.has_private_key(self.certificate) else reasons.NO_KEY
        return reasons.FORWARD_SECRET if self._keylog.private_keys and not _is_rsa(suite) else reasons.NO_KEY


def _is_rsa(suite: Suite) -> bool:
    """Whether the client encrypts the premaster secret to the server's RSA key."""
    return suite.exchange in ("RSA", "RSA_EXPORT", "RSA_EXPORT1024")
