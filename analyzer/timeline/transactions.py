"""HTTP transactions → rows of `transactions`, and the columns that every other table is joined by.

Transactions are by far the most numerous rows, so each is packed as it arrives, into some 50 bytes; a field is -1 where
nothing was observed. What few values repeat (method, host, path, ...) is a code. A row is known from then on by its
number; ids are given at the end, in order of time, because an engine yields events connection by connection. Columns
are made from the packed rows when somebody asks for them.

Sizes add up because the parts are differences of three nested counts that the dissectors keep of each message: TCP
payload, HTTP (head, framing and body) and body as sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from analyzer.tables.builder import NAT
from analyzer.tables.catalog import transactions
from analyzer.tables.derived import DerivedTable, Made, Recipe
from analyzer.timeline.columns import Bools, Codes, Ints, ranks
from analyzer.timeline.packing import PackedRows
from analyzer.timeline.reading import Terms, Wait
from dissectors.events import Transaction

# By the names of the table where it has such a column. A field is packed as its difference to the one named with it.
_FIELDS: dict[str, str | None] = {
    "connection_id": None,
    "session": None,  # provisional number; -1: none
    "request_start": None,
    "request_end": "request_start",
    "response_start": None,
    "response_end": "response_start",
    "head": None,  # code: see `Transactions.head`
    "status": None,
    "request_wire_bytes": None,
    "response_wire_bytes": None,
    "request_http_bytes": "request_wire_bytes",  # head, chunk or frame headers, and body
    "response_http_bytes": "response_wire_bytes",
    "request_body_bytes": "request_http_bytes",
    "response_body_bytes": "response_http_bytes",
    "request_decoded_bytes": "request_body_bytes",
    "response_decoded_bytes": "response_body_bytes",
    "request_frame": None,
    "response_frame": None,
    "request_last_frame": "request_frame",
    "response_last_frame": "response_frame",
    "eas_status": None,
    "codings": None,  # code: see `Transactions._codings`
    "complete": None,
}
_NUMBERS = (
    "status",
    "request_wire_bytes",
    "response_wire_bytes",
    "request_body_bytes",
    "response_body_bytes",
    "request_decoded_bytes",
    "response_decoded_bytes",
    "request_frame",
    "response_frame",
    "request_last_frame",
    "response_last_frame",
    "eas_status",
)
_TIMES = ("request_start", "request_end", "response_start", "response_end")

# Method, host, path, command, HTTP version; without the last, the transaction is inferred from encrypted bytes.
Head: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None]
Codings: TypeAlias = tuple[str | None, str | None]  # Content-Encoding of request and response


class Columns(NamedTuple):
    """One value a row, in order of arrival."""

    session: Codes  # provisional number; -1: none
    connection: Codes
    start: Ints  # ns: of the request, else of the response
    end: Ints  # ns: of the response, else of the request
    frame: Ints
    answered: Bools


# Bytes of a body that the capture shows nothing of: none of a whole message, not observed (-1) of a cut one.
_NO_BODY = (-1, 0)


class Transactions:
    """The rows so far."""

    def __init__(self) -> None:
        self.packed = PackedRows(_FIELDS)
        self._heads: dict[Head, int] = {}
        self._codings: dict[Codings, int] = {(None, None): 0}

    def __len__(self) -> int:
        return len(self.packed)

    def head(
        self, method: str | None, host: str | None, target: str | None, command: str | None, version: str | None
    ) -> int:
        """The code of what mostly repeats from request to request."""
        path = None if target is None else target.partition("?")[0]
        heads = self._heads
        return heads.setdefault((method, host, path, command, version), len(heads))

    def add(self, t: Transaction, session: int, head: int, eas_status: int | None) -> int:
        """`session`: -1 for none. Returns the row."""
        request, response = t.request, t.response
        if eas_status is None:
            eas_status = -1
        if request is None or response is None:
            return self.packed.append(*_half(t, session, head, eas_status, self._coding(t)))
        # A slice is taken apart at once: to ask a named tuple for one field after the other takes three times as long.
        begun, sent, frame, last_frame, _, _, _, headers, _, up, up_http, up_body, up_decoded, _, whole = request[:]
        answered, got, answer_frame, end_frame, status, _, _, fields, wire, http, body, decoded, _, ended = response[:]
        codings = 0
        if headers.get("content-encoding") is not None or fields.get("content-encoding") is not None:
            codings = self._coding(t)
        return self.packed.append(
            t.connection_id,
            session,
            begun,
            sent,
            answered,
            got,
            head,
            status or -1,
            up,
            wire,
            up_http,
            http,
            up_body or _NO_BODY[whole],
            body or _NO_BODY[ended],
            -1 if up_decoded is None else up_decoded,
            -1 if decoded is None else decoded,
            frame,
            answer_frame,
            last_frame,
            end_frame,
            eas_status,
            codings,
            whole and ended,
        )

    def wait(self, row: int, items: int, terms: Terms) -> Wait:
        """The wait that a row is."""
        fields = self.packed.row(row)
        return Wait(
            row=row,
            session=fields["session"],
            connection_id=fields["connection_id"],
            request_ns=fields["request_start"],
            start_ns=fields["request_end"],
            request_frame=fields["request_last_frame"],
            answer_ns=fields["response_start"],
            answer_end_ns=fields["response_end"],
            answer_frame=fields["response_frame"],
            http_status=fields["status"],
            items=items,
            terms=terms,
        )

    def finish(
        self, order: Codes, ids: Codes, session_ids: Codes, unsent: Mapping[int, int] | None = None
    ) -> DerivedTable:
        """The table. `order`: rows in order of time; `ids`: of each row; `session_ids`: of each row, 0 for none;
        `unsent`: bytes of originals that were not sent, by row.
        """
        packed = self.packed

        def number(name: str) -> Recipe:
            def make() -> Made:
                values = packed[name][order]
                return Made(values, values < 0)

            return make

        def time(name: str) -> Recipe:
            def make() -> Made:
                values = packed[name][order]
                values[values == -1] = NAT
                return Made(values)

            return make

        heads, codings = list(self._heads), list(self._codings)
        guessed = np.array([head[4] is None for head in heads] or [False])

        def text(field: str, distinct: Sequence[Sequence[str | None]], part: int) -> Recipe:
            values = list(dict.fromkeys(each[part] for each in distinct if each[part] is not None))
            places = {value: place for place, value in enumerate(values)}
            codes = np.array([-1 if each[part] is None else places[each[part]] for each in distinct] or [-1], np.int32)
            return lambda: Made(codes[packed[field][order]], None, values)

        def less(whole: str, part: str) -> Recipe:
            """What of the whole is not the part; all of it where nothing of the part was seen."""

            def make() -> Made:
                outer, inner = (packed[field][order] for field in (whole, part))
                return Made(outer - inner.clip(0), (outer < 0) | guessed[packed["head"][order]])

            return make

        def compressed(side: str, part: int) -> tuple[Ints, Ints, Bools]:
            """Decoded bytes, bytes as sent, and whether a coding stands between them."""
            coded = np.array([_is_coded(each[part]) for each in codings] or [False], dtype=bool)
            decoded, sent = (packed[f"{side}_{what}_bytes"][order] for what in ("decoded", "body"))
            return decoded, sent, coded[packed["codings"][order]] & (decoded >= 0) & (sent > 0)

        def saved(side: str, part: int) -> Recipe:
            def make() -> Made:
                decoded, sent, coded = compressed(side, part)
                return Made(decoded - sent, ~coded)

            return make

        def ratio(side: str, part: int) -> Recipe:
            def make() -> Made:
                decoded, sent, coded = compressed(side, part)
                return Made(np.divide(decoded, sent, out=np.full(len(sent), np.nan), where=coded))

            return make

        def of_session() -> Made:
            sessions = session_ids[order]
            return Made(sessions, sessions == 0)

        def not_sent() -> Made:
            values = np.full(len(packed), -1, dtype=np.int64)
            for row, size in (unsent or {}).items():
                values[row] = size
            return Made(values[order], values[order] < 0)

        count = len(order)
        recipes: dict[str, Recipe] = {
            "transaction_id": lambda: Made(np.arange(1, count + 1)),
            "connection_id": number("connection_id"),
            "session_id": of_session,
            "method": text("head", heads, 0),
            "host": text("head", heads, 1),
            "path": text("head", heads, 2),
            "command": text("head", heads, 3),
            "http_version": text("head", heads, 4),
            "complete": lambda: Made(packed["complete"][order].astype(np.int8)),
            "inferred": lambda: Made(guessed[packed["head"][order]].astype(np.int8)),
            "request_content_encoding": text("codings", codings, 0),
            "content_encoding": text("codings", codings, 1),
            "unsent_bytes": not_sent,
        }
        for part, side in enumerate(("request", "response")):
            recipes |= {
                f"{side}_tls_bytes": less(f"{side}_wire_bytes", f"{side}_http_bytes"),
                f"{side}_head_bytes": less(f"{side}_http_bytes", f"{side}_body_bytes"),
                f"{side}_saved_bytes": saved(side, part),
                f"{side}_ratio": ratio(side, part),
            }
        recipes |= {name: number(name) for name in _NUMBERS} | {name: time(name) for name in _TIMES}
        return DerivedTable(transactions.TABLE, count, recipes)

    def _coding(self, t: Transaction) -> int:
        asked, said = (
            None if half is None else half.headers.get("content-encoding") for half in (t.request, t.response)
        )
        return self._codings.setdefault((asked, said), len(self._codings))


def columns(packed: PackedRows) -> Columns:
    """What the other tables are joined by."""
    start, end = packed["request_start"], packed["response_end"]
    unasked, unanswered = start < 0, end < 0
    start[unasked] = packed["response_start"][unasked]
    end[unanswered] = packed["request_end"][unanswered]
    frame = packed["request_frame"]
    frame[unasked] = packed["response_frame"][unasked]
    return Columns(
        session=packed["session"].astype(np.int32),
        connection=packed["connection_id"].astype(np.int32),
        start=start,
        end=end,
        frame=frame,
        answered=~unanswered,
    )


def in_order(found: Columns) -> tuple[Codes, Codes]:
    """Rows in order of time, and transaction_id by row."""
    order = np.lexsort((found.frame, found.start)).astype(np.int32)
    return order, ranks(order) + np.int32(1)


def _is_coded(coding: str | None) -> bool:
    return coding is not None and coding.strip().lower() not in ("", "identity")


def _half(t: Transaction, session: int, head: int, eas_status: int, codings: int) -> tuple[int, ...]:
    """The fields of a transaction of which a side may be missing."""
    request, response = t.request, t.response
    sent = got = None
    if request is not None:
        sent = request.decoded_bytes
    if response is not None:
        got = response.decoded_bytes
    return (
        t.connection_id,
        session,
        -1 if request is None else request.start_ns,
        -1 if request is None else request.end_ns,
        -1 if response is None else response.start_ns,
        -1 if response is None else response.end_ns,
        head,
        -1 if response is None else response.status or -1,
        -1 if request is None else request.wire_bytes,
        -1 if response is None else response.wire_bytes,
        -1 if request is None else request.http_bytes,
        -1 if response is None else response.http_bytes,
        -1 if request is None else request.body_bytes or _NO_BODY[request.complete],
        -1 if response is None else response.body_bytes or _NO_BODY[response.complete],
        -1 if sent is None else sent,
        -1 if got is None else got,
        -1 if request is None else request.first_frame,
        -1 if response is None else response.first_frame,
        -1 if request is None else request.last_frame,
        -1 if response is None else response.last_frame,
        eas_status,
        codings,
        0,
    )
