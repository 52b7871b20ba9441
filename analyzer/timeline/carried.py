"""What connections carry, as it arrives: transactions → rows, and by command waits, sizes of Syncs, folders.

Of a connection that carries EAS is kept, until it ends, what its requests repeat and which of its waits may still be
pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from analyzer.timeline import originals
from analyzer.timeline.access import Access
from analyzer.timeline.anomalies import Anomalies
from analyzer.timeline.attribution import gateway
from analyzer.timeline.folders import Folders
from analyzer.timeline.reading import Reader, Stored, Wait
from analyzer.timeline.server_side import ServerSide
from analyzer.timeline.sessions import Sessions
from analyzer.timeline.sync_sizes import SyncSizes
from analyzer.timeline.transactions import Transactions
from analyzer.timeline.waits import Waits
from dissectors.eas import EasMessage, decode_transaction
from dissectors.eas.commands import ping
from dissectors.eas.commands.foldersync import FolderSyncResponse
from dissectors.events import Request, StreamReset, Transaction

MAX_KEPT_WAITS = 100  # without answer on one connection; HTTP/2 allows as many streams, HTTP/1.1 has one
MAX_REMEMBERED_PINGS = 4096  # pairs of request and answer
MAX_REMEMBERED_BYTES = 1024  # of each

# Server, user, device_id, device_type, user agent and protocol version of a request.
_Said: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None, str | None]
# What is looked at in the header fields of a Ping: host, user agent and protocol version.
_Named: TypeAlias = tuple[str | None, str | None, str | None]


class _PingHead:
    """What stands before the body of a Ping, and what was made of it."""

    __slots__ = ("code", "headers", "named", "said", "session", "target", "user", "version")

    def __init__(self, request: Request, open_: Open) -> None:
        self.target, self.user, self.version = request.target, request.user, request.http_version
        self.headers = request.headers  # mostly the same object again
        self.named = _named(request.headers)
        self.said, self.session, self.code = open_.said, open_.session, open_.head


class Open:
    """What is known of a connection that has carried EAS and has not ended."""

    __slots__ = (
        "command", "gateway", "head", "headers", "last_end_ns", "last_start_ns", "ping", "said", "session", "sessions",
        "target", "unanswered", "user", "version", "wait",
    )  # fmt: skip

    def __init__(self) -> None:
        # Of the newest request; they mostly repeat, and `said`, `session` and `head` are made from them.
        self.headers: Mapping[str, str] | None = None
        self.target: str | None = None
        self.user: str | None = None
        self.command: str | None = None
        self.version = ""
        self.said: _Said | None = None
        self.session = -1
        self.head = -1
        self.ping: _PingHead | None = None  # of the newest Ping, unless something is odd about it
        self.sessions: set[int] = set()
        self.last_start_ns = -1  # newest start of a request
        self.last_end_ns = -1  # newest end of a request or answer
        self.wait = -1  # place of the newest answered one: did its answer get through?
        # With the end of the last HTTP data before each, and how its stream was reset.
        self.unanswered: list[tuple[Wait, int, StreamReset | None]] = []
        self.gateway: list[tuple[int, Wait, gateway.Signature]] = []  # waits that a gateway ended, with their place


class Carried:
    """Feed it every transaction, take each connection out when it has ended."""

    def __init__(self, access: Access, server_side: ServerSide, anomalies: Anomalies) -> None:
        self.transactions = Transactions()
        self.sessions = Sessions()
        self.waits = Waits()
        self.reader = Reader()
        self.sync_sizes = SyncSizes()
        self.folders = Folders()
        self.originals = originals.Originals()
        self.open: dict[int, Open] = {}
        self._access = access
        self._server_side = server_side
        self._anomalies = anomalies
        # Code of the terms of an answered Ping, and the status that the answer carries; by the bodies.
        self._pings: dict[tuple[bytes, bytes], tuple[int, int | None]] = {}

    def add(self, t: Transaction, message: EasMessage | None) -> None:
        """One transaction. `message`: what it says as EAS, where that is known already."""
        open_ = self.open.get(t.connection_id)
        if open_ is not None and open_.ping is not None and self._pings_again(open_, open_.ping, t):
            return
        if self._access.wants(t):
            self._access.transaction(t, len(self.transactions))
        if message is None:
            message = decode_transaction(t)
        if message is not None:
            if open_ is None:
                open_ = self.open[t.connection_id] = Open()
            self._says(open_, t, message)
        else:
            self.transactions.add(t, -1, self._head_of(t, None), None)
            self._server_side.transaction(t)

    def note_speaker(self, open_: Open) -> None:
        """What the session said of itself, until its newest request so far."""
        if open_.said is not None:
            self.sessions.note(open_.session, open_.last_start_ns, *open_.said[3:])

    def wait(self, open_: Open, wait: Wait | None, t: Transaction) -> None:
        """The wait that a transaction is."""
        if wait is None:
            return
        if wait.answer_ns < 0:
            if len(open_.unanswered) < MAX_KEPT_WAITS:
                open_.unanswered.append((wait, open_.last_end_ns, t.stream_reset))
            return
        place = self.waits.add(wait.row, self.waits.code(wait.terms), wait.items)
        if wait.terms.by_gateway and t.response is not None:
            open_.gateway.append((place, wait, gateway.signature(t.response)))
        else:
            open_.wait = place

    def _pings_again(self, open_: Open, head: _PingHead, t: Transaction) -> bool:
        """Most transactions are answered Pings with the same head as the Ping before and with bodies that were seen
        before: all that they say is known. False: it is not such a one, and nothing was done."""
        request, response = t.request, t.response
        if (
            request is None
            or response is None
            or request.body is None
            or response.body is None
            or response.status != 200
            or request.target != head.target
            or request.user != head.user
            or (request.headers is not head.headers and _named(request.headers) != head.named)
            or request.http_version != head.version
            or request.method != "POST"
            or open_.said is not head.said
            or self._access.wants(t)
        ):
            return False
        known = self._pings.get((request.body, response.body))
        if known is None:
            known = self._ping(request.body, response.body)
            if known is None:
                return False
        code, status = known
        open_.wait = self.waits.add(self.transactions.add(t, head.session, head.code, status), code, -1)
        if request.start_ns > open_.last_start_ns:  # noqa: PLR1730  max() takes three times as long
            open_.last_start_ns = request.start_ns
        if response.end_ns > open_.last_end_ns:  # noqa: PLR1730
            open_.last_end_ns = response.end_ns
        return True

    def _says(self, open_: Open, t: Transaction, message: EasMessage) -> None:
        """A transaction of EAS."""
        request, response = t.request, t.response
        command, answer = message.command, message.response
        if request is None:
            self._speaker(open_, (None, message.user, message.device_id, message.device_type, None, None), t)
            open_.headers, head = None, self._head_of(t, command)
        else:
            headers = request.headers
            if headers is not open_.headers or request.target != open_.target or request.user != open_.user:
                said = (
                    headers.get("host"),
                    message.user,
                    message.device_id,
                    message.device_type,
                    headers.get("user-agent"),
                    message.protocol_version,
                )
                if said != open_.said:
                    self._speaker(open_, said, t)
                    open_.head = -1
                if request.target != open_.target:
                    open_.head = -1
                open_.headers, open_.target, open_.user = headers, request.target, request.user
            head = open_.head
            if head < 0 or command != open_.command or request.http_version != open_.version:
                head = open_.head = self._head_of(t, command)
                open_.command, open_.version = command, request.http_version
        session = open_.session
        status = None if answer is None else getattr(answer, "status", None)
        row = self.transactions.add(t, session, head, status)
        if message.oddities:
            self._anomalies.add_oddities(t, message)

        if command == ping.COMMAND:
            if request is not None and not message.oddities:
                open_.ping = _PingHead(request, open_)
            if request is not None and response is not None and response.status == 200:
                code = self.waits.code(self.reader.answered_ping(message.request, answer))
                open_.wait = self.waits.add(row, code, -1)
            else:
                self.wait(open_, self.reader.ping(row, session, t, message), t)
        elif command == "Sync":
            wait = self.reader.sync(row, session, t, message)
            if type(wait) is Stored:
                self.waits.add_stored(wait)
            elif type(wait) is Wait:
                self.wait(open_, wait, t)
            self.sync_sizes.add(row, session, t, message)
        elif command == "FolderSync" and isinstance(answer, FolderSyncResponse):
            half = request or response
            assert half is not None  # the seam: never both missing
            self.folders.add(session, half.start_ns, answer)
        elif command in originals.COMMANDS:
            self.originals.add(row, session, t, message)

        if request is not None:
            start_ns, end_ns = request.start_ns, request.end_ns
        if response is not None:
            end_ns = response.end_ns
            if request is None:
                start_ns = response.start_ns
        if start_ns > open_.last_start_ns:  # noqa: PLR1730  max() takes three times as long
            open_.last_start_ns = start_ns
        if end_ns > open_.last_end_ns:  # noqa: PLR1730
            open_.last_end_ns = end_ns

    def _head_of(self, t: Transaction, command: str | None) -> int:
        request = t.request
        if request is None:
            assert t.response is not None  # the seam: never both missing
            return self.transactions.head(None, None, None, command, t.response.http_version)
        host = request.headers.get("host")
        method, target = request.method or None, request.target or None
        return self.transactions.head(method, host, target, command, request.http_version)

    def _speaker(self, open_: Open, said: _Said, t: Transaction) -> None:
        """Another session, or the same with other traits, speaks on a connection."""
        if said == open_.said:
            return
        self.note_speaker(open_)
        open_.said = said
        open_.session = self.sessions.number(*said[:3], t.connection_id)
        open_.sessions.add(open_.session)

    def _ping(self, sent: bytes, received: bytes) -> tuple[int, int | None] | None:
        """Of the bodies of an answered Ping the code of its terms and the status. None: something is odd about them."""
        if not sent or not received:  # what an empty one says depends on more than the body
            return None
        asked, said = ping.read_request(sent), ping.read_response(received)
        if asked is None or said is None or asked.oddities or said.oddities:
            return None
        found = self.waits.code(self.reader.answered_ping(asked, said)), said.status
        if len(sent) <= MAX_REMEMBERED_BYTES and len(received) <= MAX_REMEMBERED_BYTES:
            if len(self._pings) >= MAX_REMEMBERED_PINGS:
                self._pings.clear()
            self._pings[(sent, received)] = found
        return found


def _named(headers: Mapping[str, str]) -> _Named:
    get = headers.get
    return get("host"), get("user-agent"), get("ms-asprotocolversion")
