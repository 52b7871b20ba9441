"""From the two hellos and a key log to record protections (RFC 5246 7.3, RFC 8446 2).

The ServerHello may be missing or cut in the capture. Then version and suite are concluded from the kind and length
of the logged secrets and from what the client offered; where several suites remain, all are returned and the records
decide.
"""

from typing import Final

from dissectors.events import CLIENT
from dissectors.tls import reasons
from dissectors.tls.ciphers import Suite, suite
from dissectors.tls.handshake import TLS_1_2, TLS_1_3, ClientHello, ServerHello
from dissectors.tls.keylog import KeyLog, Secrets
from dissectors.tls.protection import Protection, Tls12Protection, Tls13Protection
from dissectors.tls.schedule import KeyPairs, tls12_keys

_TLS13_SUITES: Final = (0x1301, 0x1302, 0x1303)
GUESSED_SUITES_LIMIT: Final = 16


class Negotiation:
    """What the handshake of a connection agreed on. A renegotiation (TLS 1.2) begins with the next ClientHello."""

    __slots__ = (
        "_keylog",
        "_keys",
        "alpn",
        "cipher",
        "client",
        "first_client",
        "full",
        "resumed",
        "server",
        "suites",
        "version",
    )

    def __init__(self, keylog: KeyLog) -> None:
        self._keylog = keylog
        self.client: ClientHello | None = None
        self.server: ServerHello | None = None
        self.first_client: ClientHello | None = None  # the one in clear, for the facts
        self.version: int | None = None
        self.cipher: int | None = None
        self.alpn: str | None = None
        self.resumed: bool | None = None
        self.full = False  # the server sent a certificate or ServerHelloDone
        self.suites: list[Suite] = []
        self._keys: list[tuple[Suite, KeyPairs]] = []

    def take_client(self, hello: ClientHello) -> None:
        """A ClientHello: the first, the second after a HelloRetryRequest, or one of a renegotiation."""
        if self.client is not None and self.server is not None:  # renegotiation
            self.server = None
            self.full = False
            self.suites = []
            self._keys = []
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

    @property
    def secrets(self) -> Secrets | None:
        """What the key log has for the present client random."""
        random = self.client.random if self.client else None
        return self._keylog.secrets(random) if random else None

    def obstacle(self) -> str | None:
        """Why no key will come, one of `reasons.WHY`; None while there is hope. Needs both hellos."""
        if self.version not in (TLS_1_2, TLS_1_3):
            return reasons.UNSUPPORTED_VERSION
        tls13 = self.version == TLS_1_3
        if not self.suites:
            found = suite(self.cipher) if self.cipher is not None else None
            if found is None or found.tls13 != tls13:
                return reasons.UNSUPPORTED_CIPHER
            self.suites = [found]
        secrets = self.secrets
        if tls13:
            return None if secrets and secrets.has_tls13 else reasons.NO_KEY
        if secrets and secrets.master:
            return None
        return None if self._session_master() else reasons.NO_KEY

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
            self.version = TLS_1_2
            self.suites = [known for known in offered if not known.tls13][:GUESSED_SUITES_LIMIT]
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

    def tls12_chain(self, side: int) -> list[Protection]:
        """The protection of one side, or several where the suite is not known. Empty without a master secret."""
        server_random = self.server.random if self.server else None
        client_random = self.client.random if self.client else None
        if not self._keys and server_random and client_random:
            master = self.master()
            if master is None:
                return []
            self._keys = [(known, tls12_keys(known, master, client_random, server_random)) for known in self.suites]
            if self.server and self.server.session_id:
                self._keylog.learn_session(self.server.session_id, master)
        return [Tls12Protection(known, *keys[side]) for known, keys in self._keys]

    def master(self) -> bytes | None:
        """The TLS 1.2 master secret: logged for this client random, or that of the session resumed."""
        secrets = self.secrets
        if secrets and secrets.master:
            return secrets.master
        return self._session_master() if self.resumed else None

    def learn_ticket(self, ticket: bytes) -> None:
        """Remembers what a TLS 1.2 session ticket stands for."""
        master = self.master() if ticket else None
        if master:
            self._keylog.learn_session(ticket, master)

    def _session_master(self) -> bytes | None:
        for identity in (self.client.session_id, self.client.ticket) if self.client else ():
            master = self._keylog.session(identity) if identity else None
            if master:
                return master
        return None
