"""Secrets from key logs in NSS format (SSLKEYLOGFILE, draft-ietf-tls-keylogfile).

They come from files and from the secrets blocks of captures. Every kind of line is understood; a bad line costs itself
only. Secrets never appear in what this module says about a line, nor in a `repr`. Beside them stand the private keys
of servers (`private_keys`). Left out: reading the files (analyzer).
"""

from collections import OrderedDict
from typing import Final

from dissectors.tls.private_keys import PrivateKeys

SESSIONS_LIMIT: Final = 65_536  # sessions learned from handshakes for resumption; the oldest go first
CHAINS_LIMIT: Final = 4096  # certificate messages of which all connections share one copy
UTF16_SAMPLE_BYTES: Final = 64  # by which UTF-16 without a byte order mark is known; a line has more
RANDOM_BYTES: Final = 32
SHORTEST_RANDOM: Final = 20  # of a truncated random: still enough to be nobody else's
WIDEST_EXTRA: Final = 8  # bytes of any value that do not belong to a random, before or behind it
MASTER_BYTES: Final = 48

_EARLY: Final = "CLIENT_EARLY_TRAFFIC_SECRET"
_TRAFFIC: Final = ("CLIENT_TRAFFIC_SECRET_", "SERVER_TRAFFIC_SECRET_")
_HANDSHAKE: Final = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
_UNUSED: Final = (
    "EXPORTER_SECRET",
    "EARLY_EXPORTER_SECRET",
    "ECH_SECRET",
    "ECH_CONFIG",
    "QUIC_",
)  # known; open no record


class Secrets:
    """All secrets of one client random; a pair is (client, server)."""

    __slots__ = ("early", "handshake", "master", "premaster", "traffic")

    def __init__(self) -> None:
        self.master: bytes | None = None  # TLS 1.2 and before
        self.premaster: bytes | None = None
        self.early: bytes | None = None  # TLS 1.3, as all below
        self.handshake: list[bytes | None] = [None, None]
        self.traffic: list[bytes | None] = [None, None]  # generation 0; later ones follow from it

    @property
    def has_tls13(self) -> bool:
        """Whether any TLS 1.3 secret is here."""
        return any((self.early, *self.handshake, *self.traffic))

    def __repr__(self) -> str:
        return (
            f"Secrets({', '.join(name for name in self.__slots__ if getattr(self, name) not in (None, [None, None]))})"
        )


class KeyLog:
    """Secrets by client random, servers' private keys, and what connections taught that others need, too."""

    def __init__(self) -> None:
        self._by_random: dict[bytes, Secrets] = {}
        self._truncated_lengths: set[int] = set()  # of the randoms that are shorter than 32 bytes
        self._premasters: dict[bytes, bytes] = {}  # by the first 8 bytes of the encrypted premaster secret
        # Master secret by session id or ticket. A plain dict looks for its oldest key past all that were deleted.
        self._sessions: OrderedDict[bytes, bytes] = OrderedDict()
        self._private = PrivateKeys()
        self._chains: dict[bytes, bytes] = {}  # each its own value
        self._has_premasters = False  # of either kind of line

    def __len__(self) -> int:
        """How many client randoms have secrets."""
        return len(self._by_random)

    def __contains__(self, client_random: bytes) -> bool:
        return self.secrets(client_random) is not None

    def __repr__(self) -> str:
        return f"KeyLog({len(self)} client randoms)"

    def add(self, data: bytes, origin: str) -> list[str]:
        """Takes in one key log; says what is odd: "keys.log line 7: not hexadecimal (and 2 more odd lines)".

        No more than one remark for all lines: a file of the wrong kind is one mistake, not a million.
        """
        remark = ""
        more = 0
        for number, line in enumerate(_text(data).splitlines(), 1):
            fields = line.split()
            if not fields or fields[0].startswith("#"):
                continue
            complaint = self._line(fields)
            if complaint is None:
                continue
            if remark:
                more += 1
            else:
                remark = f"{origin} line {number}: {complaint}"
        if more:
            remark += f" (and {more} more odd lines)" if more > 1 else " (and one more odd line)"
        return [remark] if remark else []

    def secrets(self, client_random: bytes) -> Secrets | None:
        """What is known for a client random."""
        found = self._by_random.get(client_random)
        if found is None:
            for length in self._truncated_lengths:
                found = self._by_random.get(client_random[:length]) or self._by_random.get(client_random[-length:])
                if found is not None:
                    break
        return found

    def add_private_key(self, data: bytes, origin: str, password: bytes | None = None) -> list[str]:
        """Takes in a server's RSA private key: PEM, DER, PKCS#8 or PKCS#12. What is odd is said, nothing is raised."""
        return self._private.add(data, origin, password)

    @property
    def private_keys(self) -> int:
        """How many private keys there are."""
        return len(self._private)

    @property
    def computes_masters(self) -> bool:
        """Whether a master secret may have to be computed, for which the handshake messages are needed."""
        return self._has_premasters or len(self._private) > 0

    @property
    def opens_rsa(self) -> bool:
        """Whether there is anything by which an encrypted premaster secret may be known."""
        return bool(self._premasters) or len(self._private) > 0

    def premaster(self, encrypted: bytes, certificate: bytes | None = None) -> bytes | None:
        """The premaster secret of an RSA key exchange: by its encrypted form (`RSA` lines), or decrypted.

        `certificate` is the server's (or its message), which says whose private key it takes; None: not seen.
        """
        return self._premasters.get(encrypted[:8]) or self._private.premaster(encrypted, certificate)

    def has_private_key(self, certificate: bytes | None) -> bool:
        """Whether the private key of a certificate is here; of one not seen it may be."""
        return self._private.fits(certificate)

    def session(self, identity: bytes) -> bytes | None:
        """The master secret of a TLS 1.2 session, by session id or ticket."""
        return self._sessions.get(identity)

    def learn_session(self, identity: bytes, master: bytes) -> None:
        """Remembers what a handshake showed, for connections that resume it without a key log line of their own."""
        if len(self._sessions) >= SESSIONS_LIMIT and identity not in self._sessions:
            self._sessions.popitem(last=False)
        self._sessions[identity] = master

    def one_copy(self, certificates: bytes) -> bytes:
        """The same bytes, of which all connections to a server hold one copy: they outlive the packets by hours."""
        if len(self._chains) >= CHAINS_LIMIT:
            return self._chains.get(certificates, certificates)
        return self._chains.setdefault(certificates, certificates)

    def _line(self, fields: list[str]) -> str | None:
        label = fields[0]
        if label.startswith(_UNUSED):
            return None
        if label == "RSA" and len(fields) >= 3 and fields[1].startswith("Session-ID:"):
            return self._session_line(fields)
        if len(fields) != 3:
            return f"{len(fields)} fields where 3 belong"
        try:
            identity = bytes.fromhex(fields[1] if len(fields[1]) % 2 == 0 else "0" + fields[1])  # a number without zero
            secret = bytes.fromhex(fields[2])
        except ValueError:
            return "not hexadecimal"
        if label == "RSA":
            if len(identity) != 8 or len(secret) != MASTER_BYTES:
                return "RSA needs 8 bytes of the encrypted premaster secret and its 48 bytes"
            self._premasters[identity] = secret
            self._has_premasters = True
            return None
        if len(identity) == RANDOM_BYTES:
            return self._secret(label, identity, secret)
        fitted = _fitted_randoms(identity)
        if not fitted:
            return "the client random has not 32 bytes"
        if len(identity) < RANDOM_BYTES:
            self._truncated_lengths.add(len(identity))
        return next(filter(None, [self._secret(label, random, secret) for random in fitted]), None)

    def _secret(self, label: str, client_random: bytes, secret: bytes) -> str | None:
        known = self._by_random.get(client_random)
        entry = Secrets() if known is None else known
        if label == "CLIENT_RANDOM":
            if len(secret) != MASTER_BYTES:
                return "the master secret has not 48 bytes"
            entry.master = secret
        elif label == "PMS_CLIENT_RANDOM":
            entry.premaster = secret
            self._has_premasters = True
        elif len(secret) not in (32, 48):
            return "the secret has neither 32 nor 48 bytes" if _is_tls13(label) else "unknown kind of line"
        elif label in _HANDSHAKE:
            entry.handshake[_HANDSHAKE.index(label)] = secret
        elif label == _EARLY:
            entry.early = secret
        elif label.startswith(_TRAFFIC):
            if label.endswith("_SECRET_0"):
                entry.traffic[label.startswith(_TRAFFIC[1])] = secret
            elif not (label.endswith("_SECRET_N") or label.rpartition("_")[2].isdecimal()):  # OpenSSL writes the N
                return "unknown kind of line"
            else:
                return None  # later generations follow from the first
        else:
            return "unknown kind of line"
        if known is None:
            self._by_random[client_random] = entry
        return None

    def _session_line(self, fields: list[str]) -> str | None:
        try:
            identity = bytes.fromhex(fields[1].removeprefix("Session-ID:"))
            master = bytes.fromhex(fields[2].removeprefix("Master-Key:"))
        except ValueError:
            return "not hexadecimal"
        if not identity or len(master) != MASTER_BYTES:
            return "RSA Session-ID needs a session id and a master secret of 48 bytes"
        self.learn_session(identity, master)
        return None


def _is_tls13(label: str) -> bool:
    return label in _HANDSHAKE or label == _EARLY or label.startswith(_TRAFFIC)


def _text(data: bytes) -> str:
    """The characters of a key log: ASCII, or UTF-16 as Windows PowerShell's redirection writes it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    for codec, zeros, letters in (
        ("utf-16-le", data[1:UTF16_SAMPLE_BYTES:2], data[:UTF16_SAMPLE_BYTES:2]),
        ("utf-16-be", data[:UTF16_SAMPLE_BYTES:2], data[1:UTF16_SAMPLE_BYTES:2]),
    ):
        # Every other byte is zero and no other is. One stray zero is a bad line, not an encoding.
        if zeros and not any(zeros) and all(letters):
            return data.decode(codec, "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _fitted_randoms(identity: bytes) -> tuple[bytes, ...]:
    """What a client random may be that some program wrote too wide or too short; empty when it is no use."""
    extra = len(identity) - RANDOM_BYTES
    if extra < 0:
        return (identity,) if len(identity) >= SHORTEST_RANDOM else ()
    before, behind = identity[extra:], identity[:RANDOM_BYTES]
    if extra <= WIDEST_EXTRA:
        return (behind, before)
    if not any(identity[RANDOM_BYTES:]):  # filled up with zeros
        return (behind,)
    return () if any(identity[:extra]) else (before,)
