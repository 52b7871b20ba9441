"""From the two hellos and a key log to record protections (RFC 5246 7.3, RFC 8446 2).

The ServerHello may be missing or cut in the capture. Then version and suite are concluded from the kind and length
of the logged secrets and from what the client offered; where several suites remain, all are returned and the records
decide.
"""

from typing import Final

from dissectors.events import CLIENT, SERVER
from dissectors.tls import primitives, reasons
from dissectors.tls.aead import Tls12Protection, Tls13Protection
from dissectors.tls.block_cipher import CbcProtection
from dissectors.tls.ciphers import Suite, suite
from dissectors.tls.handshake import SSL_3_0, TLS_1_2, TLS_1_3, ClientHello, ServerHello, certificates
from dissectors.tls.key_exchange import KeyExchange
from dissectors.tls.keylog import KeyLog, Secrets
from dissectors.tls.legacy_keys import KeyMaterial, KeyPair, key_pair
from dissectors.tls.protection import Protection
from dissectors.tls.stream_cipher import StreamProtection

_TLS13_SUITES: Final = (0x1301, 0x1302, 0x1303)
GUESSED_SUITES_LIMIT: Final = 16

_EMPTY_CHAIN_BYTES: Final = 4  # of a Certificate message without any, in TLS 1.3; before that it has 3


class Negotiation:
    """What the handshake of a connection agreed on. A renegotiation (before TLS 1.3) begins with a ClientHello."""

    __slots__ = (
        "_certificates",
        "_exchange",
        "_keylog",
        "_keys",
        "_master",
        "alpn",
        "cipher",
        "client",
        "first_client",
        "first_resumed",
        "full",
        "renegotiated",
        "resumed",
        "server",
        "suites",
        "version",
    )

    def __init__(self, keylog: KeyLog) -> None:
        self._keylog = keylog
        self._exchange = KeyExchange(keylog)
        self.client: ClientHello | None = None
        self.server: ServerHello | None = None
        self.first_client: ClientHello | None = None  # the one in clear, for the facts
        self.version: int | None = None
        self.cipher: int | None = None
        self.alpn: str | None = None
        self.resumed: bool | None = None
        self.first_resumed: bool | None = None  # of the first handshake, when there was another
        self.renegotiated = False
        self.full = False  # the server sent a certificate or ServerHelloDone
        self.suites: list[Suite] = []
        self._certificates = [b"", b""]  # Certificate messages, by side; most are never looked into
        self._keys: list[tuple[Suite, KeyPair]] = []
        self._master: bytes | None = None

    def take_client(self, hello: ClientHello) -> None:
        """A ClientHello: the first, the second after a HelloRetryRequest, or one of a renegotiation."""
        if self.client is not None and self.server is not None:  # renegotiation
            if not self.renegotiated:
                self.first_resumed = self.resumed
            self.renegotiated = True
            self.server = None
            self.resumed = None
            self.full = False
            self.suites = []
            self._keys = []
            self._master = None
        self.client = hello
        if self.first_client is None:
            self.first_client = hello

    def take_server(self, hello: ServerHello) -> None:
        """A ServerHello, whole or cut, or a HelloRetryRequest."""
        if hello.version is not None:
            self.version = hello.version
        if hello.cipher is not None:
            self.cipher = hello.cipher
        if hello.retry:
            return
        self.server = hello
        self.alpn = hello.alpn or self.alpn
        if self.version == TLS_1_3:
            self.resumed = hello.pre_shared_key
        elif self.client and hello.session_id and hello.session_id == self.client.session_id:
            self.resumed = True  # RFC 5246 7.4.1.3, RFC 5077 3.4

    def take_certificates(self, side: int, body: bytes) -> None:
        """A side's Certificate message; that of the first handshake in which it has one is kept."""
        body = self._keylog.one_copy(body)
        if side == SERVER:
            self._exchange.certificate = body
        if len(body) > _EMPTY_CHAIN_BYTES and not self._certificates[side]:
            self._certificates[side] = body

    def certificates(self, side: int) -> tuple[bytes, ...]:
        """A side's certificates: DER, leaf first."""
        return certificates(self._certificates[side], self.version)

    def note(self, side: int, kind: int, body: bytes, *, begins: bool) -> None:
        """A handshake message; one `begins` a handshake."""
        if begins and self.client is not None and self.server is not None:
            self._exchange = KeyExchange(self._keylog)
        if self.version != TLS_1_3:
            self._exchange.note(side, kind, body)

    def lose(self) -> None:
        """Bytes are missing among the handshake messages."""
        self._exchange.lose()

    @property
    def secrets(self) -> Secrets | None:
        """What the key log has for the present client random."""
        random = self.client.random if self.client else None
        return self._keylog.secrets(random) if random else None

    @property
    def awaits_exchange(self) -> bool:
        """Whether both hellos are known, but the keys depend on the ClientKeyExchange that has not come yet."""
        if self.version in (None, TLS_1_3) or self.server is None or not self.suites or self._exchange.done:
            return False
        secrets = self.secrets
        return not (secrets and secrets.master) and self._exchange.hopes(self.suites[0], secrets)

    def obstacle(self) -> str | None:
        """Why no key will come, one of `reasons.WHY`; None while there is hope. Needs both hellos."""
        if self.version is None or not SSL_3_0 <= self.version <= TLS_1_3:
            return reasons.UNSUPPORTED_VERSION
        tls13 = self.version == TLS_1_3
        if not self.suites:
            found = suite(self.cipher) if self.cipher is not None else None
            if found is None or found.tls13 != tls13 or (found.aead and self.version < TLS_1_2):
                return reasons.UNSUPPORTED_CIPHER
            if not primitives.available(found) or (self.server and self.server.compression):
                return reasons.UNSUPPORTED_CIPHER
            self.suites = [found]
        secrets = self.secrets
        if tls13:
            if secrets and secrets.has_tls13:
                return None
            return reasons.FORWARD_SECRET if self._keylog.private_keys else reasons.NO_KEY
        if (secrets and secrets.master) or self._exchange.hopes(self.suites[0], secrets) or self._session_master():
            return None
        return self._exchange.why_not(self.suites[0], secrets)

    def conclude(self) -> str | None:
        """Without a whole ServerHello: concludes what it must have said; the reason when that cannot be."""
        secrets = self.secrets
        if self.client is None or secrets is None:
            return reasons.NO_HANDSHAKE if self.client is None else reasons.NO_KEY
        offered = [known for code in self.client.suites or _TLS13_SUITES if (known := suite(code))]
        if self.cipher is not None:
            offered = [known for known in offered if known.code == self.cipher]
        if secrets.has_tls13:
            self.version = TLS_1_3
            lengths = {len(secret) for secret in (*secrets.handshake, *secrets.traffic) if secret}
            self.suites = [known for known in offered if known.tls13 and known.hash_bytes in lengths]
        elif secrets.master and self.server and self.server.random:
            self.version = self.version or TLS_1_2
            aead = self.version == TLS_1_2
            old = [known for known in offered if not known.tls13 and (aead or not known.aead)]
            self.suites = [known for known in old if primitives.available(known)][:GUESSED_SUITES_LIMIT]
        else:
            return reasons.NO_HANDSHAKE
        if len(self.suites) == 1:
            self.cipher = self.suites[0].code
        return None if self.suites else reasons.UNSUPPORTED_CIPHER

    def tls13_chain(self, side: int) -> list[Protection]:
        """The protections of one side in the order in which they come into force."""
        secrets = self.secrets
        if secrets is None:
            return []
        epochs = [("handshake", secrets.handshake[side]), ("application", secrets.traffic[side])]
        if side == CLIENT and self.client and self.client.early_data:
            epochs.insert(0, ("early", secrets.early))
        return [
            Tls13Protection(known, secret, epoch)
            for epoch, secret in epochs
            for known in self.suites
            if secret and len(secret) == known.hash_bytes
        ]

    def legacy_chain(self, side: int) -> list[Protection]:
        """Before TLS 1.3: the protection of one side, or several where the suite is not known.

        Empty without a master secret.
        """
        version, server = self.version, self.server
        server_random = server.random if server else None
        client_random = self.client.random if self.client else None
        if version is None or server is None or not server_random or not client_random:
            return []
        if not self._keys:
            master = self.master()
            if master is None:
                return []
            self._keys = [
                (known, key_pair(version, known, master, client_random, server_random)) for known in self.suites
            ]
            if server.session_id:
                self._keylog.learn_session(server.session_id, master)
        return [_legacy_protection(version, known, keys[side], server) for known, keys in self._keys]

    def master(self) -> bytes | None:
        """The master secret: logged for this client random, or that of the session resumed, or computed."""
        secrets = self.secrets
        if secrets and secrets.master:
            return secrets.master
        if self.resumed:
            return self._session_master()
        client, server, version = self.client, self.server, self.version
        if client is None or server is None or version is None or not client.random or not server.random:
            return None
        if not self.suites:  # what was agreed on cannot be read, and the ciphers are changed all the same
            return None
        if self._master is None:
            randoms = client.random + server.random
            self._master = self._exchange.master(version, self.suites[0], secrets, randoms, server.extended_master)
            self._exchange.settle()
        return self._master or self._keylog.session(server.session_id)

    def why_no_master(self) -> str:
        """Why there is none, one of `reasons.WHY`."""
        if self.resumed or not self.suites:
            return reasons.NO_KEY
        return self._exchange.why_not(self.suites[0], self.secrets)

    def learn_ticket(self, ticket: bytes) -> None:
        """Remembers what a TLS 1.2 session ticket stands for."""
        master = self.master() if ticket else None
        if master:
            self._keylog.learn_session(ticket, master)

    def _session_master(self) -> bytes | None:
        """By what the client offers to resume, or the id that the server gives a new session."""
        identities = (self.client.session_id, self.client.ticket) if self.client else ()
        for identity in (*identities, self.server.session_id if self.server else b""):
            master = self._keylog.session(identity) if identity else None
            if master:
                return master
        return None


def _legacy_protection(version: int, known: Suite, material: KeyMaterial, hello: ServerHello) -> Protection:
    secret, key, iv = material
    if known.aead:
        return Tls12Protection(known, key, iv)
    if known.mode == "stream":
        return StreamProtection(known, version, secret, key, truncated_mac=hello.truncated_mac)
    return CbcProtection(
        known, version, secret, key, iv, encrypt_then_mac=hello.encrypt_then_mac, truncated_mac=hello.truncated_mac
    )
