"""Both sides of one LDAP connection: requests joined to their results by message id.

Only the beginning of each message is kept (an entry may hold photographs), the rest is counted. A side that has lost
bytes goes on where a segment begins with a message. What a security layer hides (after a SASL bind each buffer has its
length before it, RFC 4513 5.2; after StartTLS comes TLS) is not read: one event says from when on.
"""

from dataclasses import dataclass, field

from dissectors.cursor import Cursor
from dissectors.errors import Truncated
from dissectors.events import CLIENT, Anomaly, DirectorySearch
from dissectors.ldap import messages
from dissectors.ldap.ber import MAX_HEADER_BYTES, SEQUENCE, BadBer, header

MAX_KEPT_BYTES = 4096  # of one message
MAX_MESSAGE_BYTES = 256 << 20  # what claims more is no message
MAX_OPEN_SEARCHES = 1024


@dataclass(slots=True)
class _Side:
    """Where one side stands in its bytes."""

    kept: bytearray = field(default_factory=bytearray)
    size: int = 0  # of the message that is being read; 0: not known yet
    got: int = 0
    start_ns: int = 0
    first_frame: int = 0
    lost: bool = False


@dataclass(slots=True)
class _Open:
    """A request without its final result."""

    start_ns: int
    first_frame: int
    bind: messages.Bind | None = None
    search: messages.Search | None = None
    tls: bool = False
    rounds: int = 1
    entries: int = 0
    bytes_client: int = 0
    bytes_server: int = 0


class LdapConnection:
    """Feed it both sides, segment by segment; any cut of the same bytes gives the same events but for their times."""

    def __init__(self, connection_id: int, capture: int = 0) -> None:
        self._connection_id = connection_id
        self._capture = capture
        self._sides = (_Side(), _Side())
        self._open: dict[int, _Open] = {}
        self._binding: _Open | None = None  # a bind of several rounds, between two of them
        self._layered = False  # a SASL bind or StartTLS was seen: something may hide what follows
        self._found: list[DirectorySearch] = []
        self.anomalies: list[Anomaly] = []
        self.hopeless = False

    def feed(self, side: int, data: bytes, frame: int, time_ns: int) -> list[DirectorySearch]:
        """The next bytes of a side, from one frame."""
        state = self._sides[side]
        if state.lost and data:
            if messages.looks_like_ldap(side, data) is not True:
                return []
            state.lost = False
        position = 0
        while position < len(data) and not self.hopeless:
            if not state.got:
                state.start_ns, state.first_frame = time_ns, frame
            if not state.size:
                position = self._begin(side, state, data, position)
                continue
            count = min(state.size - state.got, len(data) - position)
            room = MAX_KEPT_BYTES - len(state.kept)
            if room > 0:
                state.kept += data[position : position + min(count, room)]
            state.got += count
            position += count
            self._end(side, state, frame, time_ns)
        if self.hopeless:
            self._sealed(frame, time_ns)
        found, self._found = self._found, []
        return found

    def gap(self, side: int, length: int, _frame: int, _time_ns: int) -> list[DirectorySearch]:
        """Bytes are missing. Inside what would only be counted they are counted; else the side is lost for now."""
        state = self._sides[side]
        if state.size and state.got + length < state.size and len(state.kept) > MAX_HEADER_BYTES * 3:
            state.got += length
        else:
            state.kept.clear()
            state.size = state.got = 0
            state.lost = True
        return []

    def close(self) -> list[DirectorySearch]:
        """No more bytes come: what has no result yet is told as it is."""
        found = [self._event(known, None, None, None) for known in self._open.values() if not known.tls]
        if self._binding is not None:
            found.append(self._event(self._binding, None, None, None))
        self._open.clear()
        self._binding = None
        return found

    def _begin(self, side: int, state: _Side, data: bytes, position: int) -> int:
        """Reads the header of a message; byte by byte, if need be."""
        before = len(state.kept)
        state.kept += data[position : position + MAX_HEADER_BYTES - before]
        cursor = Cursor(bytes(state.kept))
        try:
            if state.kept[0] != SEQUENCE:
                raise BadBer("no sequence")
            _, length = header(cursor)
            if length > MAX_MESSAGE_BYTES:
                raise BadBer(f"{length} bytes claimed")
        except Truncated:
            state.got = len(state.kept)
            return position + len(state.kept) - before
        except BadBer as odd:
            self.hopeless = True
            if not self._layered:
                self._anomaly("ldap_not", f"no message of LDAP: {odd}", state)
            return len(data)
        state.size = cursor.position + length
        state.got = cursor.position
        del state.kept[cursor.position :]
        if not length:
            self._end(side, state, state.first_frame, state.start_ns)
        return position + cursor.position - before

    def _end(self, side: int, state: _Side, frame: int, time_ns: int) -> None:
        """The message is whole, if all its bytes came."""
        if state.got < state.size:
            return
        try:
            said = messages.message(bytes(state.kept))
        except (Truncated, BadBer) as odd:
            self._anomaly("ldap_bad_message", f"a message that cannot be read: {odd or 'cut'}", state)
        else:
            if side == CLIENT:
                self._request(said, state)
            else:
                self._result(said, state.size, frame, time_ns)
        state.kept.clear()
        state.size = state.got = 0

    def _request(self, said: messages.Message, state: _Side) -> None:
        fresh = _Open(state.start_ns, state.first_frame, bytes_client=state.size)
        if said.operation == messages.SEARCH_REQUEST:
            fresh.search = messages.search(said.content)
        elif said.operation == messages.BIND_REQUEST:
            before, self._binding = self._binding, None
            fresh.bind = messages.bind(said.content) or messages.Bind("unknown")
            if before is not None:  # the next round of the same
                before.rounds += 1
                before.bytes_client += state.size
                fresh = before
        elif said.operation == messages.EXTENDED_REQUEST and messages.asks_for_tls(said.content):
            fresh.tls = True
        else:
            return
        replaced = self._open.pop(said.message_id, None)  # RFC 4511 4.1.1.1 forbids it
        if replaced is None and len(self._open) >= MAX_OPEN_SEARCHES:
            replaced = self._open.pop(next(iter(self._open)))
        if replaced is not None and not replaced.tls:
            self._found.append(self._event(replaced, None, None, None))
        self._open[said.message_id] = fresh

    def _result(self, said: messages.Message, size: int, frame: int, time_ns: int) -> None:
        known = self._open.get(said.message_id)
        if known is None:
            return
        known.bytes_server += size
        if said.operation in (messages.SEARCH_ENTRY, messages.SEARCH_REFERENCE):
            known.entries += said.operation == messages.SEARCH_ENTRY
            return
        del self._open[said.message_id]
        code = messages.result_code(said.content)
        if known.tls:
            self.hopeless = self._layered = code == 0
            return
        if known.bind is not None and known.bind.mechanism not in ("simple", "anonymous"):
            self._layered = True
            if code == messages.SASL_BIND_IN_PROGRESS:
                self._binding = known
                return
        self._found.append(self._event(known, code, frame, time_ns))

    def _sealed(self, frame: int, time_ns: int) -> None:
        """The rest of the connection is not read."""
        self._found += self.close()
        if self._layered:
            self._found.append(self._event(_Open(time_ns, frame, rounds=0), None, None, None))

    def _event(self, known: _Open, code: int | None, frame: int | None, time_ns: int | None) -> DirectorySearch:
        bind, search = known.bind, known.search
        return DirectorySearch(
            connection_id=self._connection_id,
            capture=self._capture,
            operation="bind" if bind else "search" if search else "sealed",
            start_ns=known.start_ns,
            first_frame=known.first_frame,
            end_ns=time_ns,
            last_frame=frame,
            rounds=known.rounds,
            mechanism=bind.mechanism if bind else None,
            scope=search.scope if search else None,
            searched_by=search.searched_by if search else None,
            user=search.user if search else None,
            result_code=code,
            entries=known.entries,
            bytes_client=known.bytes_client,
            bytes_server=known.bytes_server,
        )

    def _anomaly(self, code: str, detail: str, state: _Side) -> None:
        self.anomalies.append(Anomaly(code=code, frame=state.first_frame, time_ns=state.start_ns, detail=detail))
