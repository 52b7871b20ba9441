"""What the messages of a Ping or Sync say about a held wait. One transaction at a time; nothing is inherited here.

Which request waits
    Ping: always. Sync: when it states Wait or HeartbeatInterval (MS-ASCMD 2.2.3.194, 2.2.3.83.2), or, tentatively,
    when it is empty or partial and so repeats the request that the server has stored (2.2.1.21.2). Not when it starts
    a collection (key 0) or carries the device's own changes: such a Sync is answered at once (3.1.5.4).

What an answer means
    Ping says it: 1 expired, 2 changes, anything else error (2.2.3.177.11). A Sync answer with items is changes; without
    items it depends on when it came, which `waits` decides.

A request that the server asks to authenticate (401, 407) was never accepted: the device repeats it. It is no wait.

A gateway that answers in the server's place (GATEWAY_FAILURES without the MS-Server-ActiveSync header that MS-ASHTTP
2.2.2 asks of every server) has cut the wait off: torn_down. When it does so at once, nothing was held: error.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.timeline.columns import NS
from dissectors.eas import EasMessage, Message
from dissectors.eas.commands.ping import PingFolder, PingRequest, PingResponse
from dissectors.eas.commands.sync import SyncRequest, SyncResponse
from dissectors.events import Request, Response, Transaction

REFUSED_WITHIN_S = 1.0  # a gateway's error page so soon after the request is a refusal, not the end of a wait
GATEWAY_FAILURES = frozenset((408, 502, 503, 504))
CHALLENGES = frozenset((401, 407))
MAX_REMEMBERED_LISTS = 65_536  # of folders; beyond, equal lists are kept apart

PING, SYNC, INFERRED = range(3)
KINDS = ("ping", "sync", "inferred")

EXPIRED, CHANGES, ERROR, TORN_DOWN, REPLACED, CAPTURE_END, UNKNOWN = range(7)
OUTCOMES = ("expired", "changes", "error", "torn_down", "replaced", "capture_end", "unknown")
NO_CHANGE, KEY_MOVED = 7, 8  # Sync answers without items, until it is known whether they were due

UNSAID, BODY, SERVER_LIMIT = range(3)  # where the interval comes from that later requests inherit
NOT_KNOWN = float("nan")

INHERIT, UNREADABLE = -1, 0  # codes of folder lists


class Terms(NamedTuple):
    """What the messages of a wait say, apart from when they say it; the same for very many waits."""

    kind: int
    stated_s: float  # NOT_KNOWN: not stated
    stored_s: float  # what later requests inherit; NOT_KNOWN with stored_as other than UNSAID: not known any more
    stored_as: int
    folders: int  # code of the list of watched folders
    tentative: bool  # a wait only if the stored request is one
    status: int = -1  # that the answer carries; -1: none
    changed: int = UNREADABLE  # code of the list of changed folders
    outcome: int = UNKNOWN
    by_gateway: bool = False


class Wait(NamedTuple):
    """One wait as its messages show it."""

    row: int  # in `Transactions`
    session: int
    connection_id: int
    request_ns: int  # first byte of the request
    start_ns: int  # last byte of the request
    request_frame: int  # of the last byte
    answer_ns: int  # first byte of the answer; -1: none
    answer_end_ns: int
    answer_frame: int
    http_status: int  # -1: none
    items: int  # in the answer to a Sync; -1: not known
    terms: Terms


class Stored(NamedTuple):
    """A Sync that does not wait, but that later empty Syncs repeat."""

    session: int
    request_ns: int
    request_frame: int
    stored_s: float  # 0: it asks for no waiting; NaN: not readable
    folders: int


class Reader:
    """Turns transactions into waits. Keeps the lists of folders, of which a capture has few, and gives them numbers."""

    def __init__(self) -> None:
        self.lists: list[list[str] | None] = [None]  # by code; UNREADABLE is the first
        self._codes: dict[tuple[PingFolder, ...] | tuple[str, ...], int] = {}

    def ping(self, row: int, session: int, t: Transaction, message: EasMessage) -> Wait | None:
        """The wait of a Ping. None: its request is not in the capture (how long was it held?), or it was not
        accepted."""
        request, response = t.request, t.response
        if request is None or (response is not None and response.status in CHALLENGES):
            return None
        if response is not None and response.status == 200:
            terms = self.answered_ping(message.request, message.response)
        else:
            terms = self._asked(message.request)
            if response is not None:
                outcome, by_gateway = _http_failure(request, response)
                terms = terms._replace(outcome=outcome, by_gateway=by_gateway)
        return wait_of(row, session, t, -1, terms)

    def answered_ping(self, asked: Message | None, said: Message | None) -> Terms:
        """What a Ping and its answer with HTTP 200 say. The same for the same two messages."""
        terms = self._asked(asked)
        if type(said) is not PingResponse or said.status is None:
            return terms
        status = said.status
        kind, stated, stored, stored_as, folders, tentative, *_ = terms
        if status in (1, 2):
            outcome = EXPIRED if status == 1 else CHANGES
            return Terms(kind, stated, stored, stored_as, folders, tentative, status, self._code(said.changed), outcome)
        if status == 5:
            stored = NOT_KNOWN if said.heartbeat_s is None else float(said.heartbeat_s)
            stored_as = SERVER_LIMIT
        return Terms(kind, stated, stored, stored_as, folders, tentative, status, UNREADABLE, ERROR)

    def sync(self, row: int, session: int, t: Transaction, message: EasMessage) -> Wait | Stored | None:
        """The wait of a Sync that asks for one; of another Sync what the server stores; None when that stays as it
        was."""
        request, response = t.request, t.response
        if request is None or (response is not None and response.status in CHALLENGES):
            return None
        asked, said = message.request, message.response
        if type(asked) is not SyncRequest:
            return Stored(session, request.start_ns, request.last_frame, NOT_KNOWN, UNREADABLE)
        repeats = asked.empty or asked.partial
        stated = float(asked.heartbeat_s) if asked.heartbeat_s is not None else NOT_KNOWN
        if asked.wait_min is not None:
            stated = asked.wait_min * 60.0
        states = asked.heartbeat_s is not None or asked.wait_min is not None
        folders = INHERIT
        if not repeats:
            folders = self._code(tuple([c.collection_id for c in asked.collections if c.collection_id is not None]))
        at_once = any(c.sync_key == "0" or c.adds or c.changes or c.deletes or c.fetches for c in asked.collections)
        if at_once or not (states or repeats):
            if repeats and not states:
                return None
            return Stored(session, request.start_ns, request.last_frame, stated if states else 0.0, folders)
        terms = Terms(SYNC, stated, stated, BODY if states else UNSAID, folders, not states)
        items = -1
        if response is None:
            pass
        elif response.status != 200:
            outcome, by_gateway = _http_failure(request, response)
            terms = terms._replace(outcome=outcome, by_gateway=by_gateway)
        elif type(said) is SyncResponse:
            outcome, items, ids = _sync_answer(asked, said)
            status = -1 if said.status is None else said.status
            terms = terms._replace(outcome=outcome, status=status, changed=self._code(ids))
            if status == 14 and said.limit is not None:  # in the unit that was asked in, MS-ASCMD 2.2.3.97
                stored = said.limit * (60.0 if asked.wait_min is not None else 1.0)
                terms = terms._replace(stored_s=stored, stored_as=SERVER_LIMIT)
        return wait_of(row, session, t, items, terms)

    def _asked(self, asked: Message | None) -> Terms:
        """What a Ping says without its answer."""
        if type(asked) is not PingRequest:  # not readable: it may have stated anything
            return Terms(PING, NOT_KNOWN, NOT_KNOWN, BODY, UNREADABLE, False)
        folders = INHERIT if asked.folders is None else self._code(asked.folders)
        if asked.heartbeat_s is None:
            return Terms(PING, NOT_KNOWN, NOT_KNOWN, UNSAID, folders, False)
        stated = float(asked.heartbeat_s)
        return Terms(PING, stated, stated, BODY, folders, False)

    def _code(self, folders: tuple[PingFolder, ...] | tuple[str, ...]) -> int:
        code = self._codes.get(folders)
        if code is None:
            code = len(self.lists)
            ids = [f if isinstance(f, str) else f.id for f in folders]
            self.lists.append([folder_id for folder_id in ids if folder_id is not None])
            if len(self._codes) < MAX_REMEMBERED_LISTS:
                self._codes[folders] = code
        return code


def wait_of(row: int, session: int, t: Transaction, items: int, terms: Terms) -> Wait:
    """The wait of a transaction that has a request."""
    request, response = t.request, t.response
    assert request is not None
    return Wait(
        row=row,
        session=session,
        connection_id=t.connection_id,
        request_ns=request.start_ns,
        start_ns=request.end_ns,
        request_frame=request.last_frame,
        answer_ns=-1 if response is None else response.start_ns,
        answer_end_ns=-1 if response is None else response.end_ns,
        answer_frame=-1 if response is None else response.first_frame,
        http_status=-1 if response is None else response.status,
        items=items,
        terms=terms,
    )


def _http_failure(request: Request, response: Response) -> tuple[int, bool]:
    """The outcome of an answer other than 200, and whether a gateway gave it in the middle of the wait."""
    if not response.status:  # HTTP/2 whose header table is not in the capture
        return UNKNOWN, False
    by_gateway = (
        response.status in GATEWAY_FAILURES
        and "ms-server-activesync" not in response.headers
        and response.start_ns - request.end_ns > REFUSED_WITHIN_S * NS
    )
    return (TORN_DOWN if by_gateway else ERROR), by_gateway


def _sync_answer(asked: SyncRequest, said: SyncResponse) -> tuple[int, int, tuple[str, ...]]:
    """Outcome, number of items and the folders that changed."""
    sent_keys = {c.collection_id: c.sync_key for c in asked.collections}
    items, moved, failed = 0, False, said.status not in (None, 1)
    changed: list[str] = []
    for c in said.collections:
        own = c.adds + c.changes + c.deletes + c.soft_deletes
        new_key = c.collection_id in sent_keys and c.sync_key != sent_keys[c.collection_id]
        items += own
        moved = moved or new_key
        failed = failed or c.status not in (None, 1)
        if (own or new_key) and c.collection_id is not None:
            changed.append(c.collection_id)
    if items:
        outcome = CHANGES
    elif failed:
        outcome = ERROR
    else:
        outcome = KEY_MOVED if moved else NO_CHANGE
    return outcome, items, tuple(changed)
