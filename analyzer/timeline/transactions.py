"""HTTP transactions → rows of `transactions`, and the columns that every other table is joined by.

Transactions are by far the most numerous rows, so each is packed into PACKED as it arrives: one buffer that grows by
appending, 100 bytes a row, in which a field is -1 where nothing was observed. What few values repeat (method, host,
path, ...) is a code. A row is known from then on by its number; ids are given at the end, in order of time, because an
engine yields events connection by connection. Columns are made from the packed rows when somebody asks for them.

Sizes add up because the parts are differences of three nested counts that the dissectors keep of each message: TCP
payload, HTTP (head, framing and body) and body as sent.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from analyzer.tables.builder import NAT
from analyzer.tables.catalog import transactions
from analyzer.tables.derived import DerivedTable, Made, Recipe
from analyzer.timeline.columns import Bools, Codes, Ints, ranks
from analyzer.timeline.reading import Terms, Wait
from dissectors.events import Transaction

# Packed without gaps; the names are those of the table where it has such a column.
_FIELDS = (
    ("connection_id", "i"),
    ("session", "i"),  # provisional number; -1: none
    ("request_start", "q"),
    ("request_end", "q"),
    ("response_start", "q"),
    ("response_end", "q"),
    ("head", "i"),  # code: see `Transactions.head`
    ("status", "h"),
    ("request_wire_bytes", "i"),
    ("response_wire_bytes", "i"),
    ("request_http_bytes", "i"),  # head, chunk or frame headers, and body
    ("response_http_bytes", "i"),
    ("request_body_bytes", "i"),
    ("response_body_bytes", "i"),
    ("request_decoded_bytes", "i"),
    ("response_decoded_bytes", "i"),
    ("request_frame", "i"),
    ("response_frame", "i"),
    ("request_last_frame", "i"),
    ("response_last_frame", "i"),
    ("eas_status", "i"),
    ("codings", "i"),  # code: see `Transactions._codings`
    ("complete", "b"),
)
_NAMES = tuple(name for name, _ in _FIELDS)
_PACKED = struct.Struct("<" + "".join(code for _, code in _FIELDS))
_WIDE = struct.Struct("<" + "q" * len(_FIELDS))
_DTYPE = np.dtype([(name, "<" + np.dtype(code).str[1:]) for name, code in _FIELDS])
_WIDE_DTYPE = np.dtype([(name, "<i8") for name, _ in _FIELDS])
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

Packed: TypeAlias = npt.NDArray[Any]  # records with the names in _FIELDS
# Method, host, path, command, HTTP version; without the last, the transaction is inferred from encrypted bytes.
Head: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None]
Codings: TypeAlias = tuple[str | None, str | None]  # Content-Encoding of request and response


class Columns(NamedTuple):
    """One value a row, in order of arrival."""

    session: npt.NDArray[Any]  # provisional number; -1: none
    connection: npt.NDArray[Any]
    start: Ints  # ns: of the request, else of the response
    end: Ints  # ns: of the response, else of the request
    frame: npt.NDArray[Any]
    up: npt.NDArray[Any]  # wire bytes; 0: not seen
    down: npt.NDArray[Any]
    answered: Bools


# Bytes of a body that the capture shows nothing of: none of a whole message, not observed (-1) of a cut one.
_NO_BODY = (-1, 0)


class Transactions:
    """The rows so far."""

    def __init__(self) -> None:
        self._rows = bytearray()
        self._count = 0
        self._wide: dict[int, bytes] = {}  # rows with a number too large for PACKED
        self._heads: dict[Head, int] = {}
        self._codings: dict[Codings, int] = {}

    def __len__(self) -> int:
        return self._count

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
        row = self._count
        self._count = row + 1
        if request is None or response is None:
            self._pack(row, _half(t, session, head, -1 if eas_status is None else eas_status, self._coding(t)))
            return row
        codings = self._codings.get((request.headers.get("content-encoding"), response.headers.get("content-encoding")))
        if codings is None:
            codings = self._coding(t)
        sent, got = request.decoded_bytes, response.decoded_bytes
        try:
            self._rows += _PACKED.pack(
                t.connection_id,
                session,
                request.start_ns,
                request.end_ns,
                response.start_ns,
                response.end_ns,
                head,
                response.status or -1,
                request.wire_bytes,
                response.wire_bytes,
                request.http_bytes,
                response.http_bytes,
                request.body_bytes or _NO_BODY[request.complete],
                response.body_bytes or _NO_BODY[response.complete],
                -1 if sent is None else sent,
                -1 if got is None else got,
                request.first_frame,
                response.first_frame,
                request.last_frame,
                response.last_frame,
                -1 if eas_status is None else eas_status,
                codings,
                request.complete and response.complete,
            )
        except struct.error:  # 2 GiB or more
            half = _half(t, session, head, -1 if eas_status is None else eas_status, codings)
            self._pack(row, (*half[:-1], request.complete and response.complete))
        return row

    def wait(self, row: int, items: int, terms: Terms) -> Wait:
        """The wait that a row is."""
        values = _PACKED.unpack_from(self._rows, row * _PACKED.size)
        if row in self._wide:
            values = _WIDE.unpack(self._wide[row])
        fields = dict(zip(_NAMES, values, strict=True))
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

    def packed(self) -> Packed:
        """All rows in order of arrival, with the fields of PACKED. No row can be added while this is in use."""
        if not self._wide:
            return np.frombuffer(self._rows, dtype=_DTYPE)
        whole = np.frombuffer(self._rows, dtype=_DTYPE).astype(_WIDE_DTYPE)
        for row, values in self._wide.items():
            whole[row] = np.frombuffer(values, dtype=_WIDE_DTYPE)[0]
        return whole

    def finish(
        self, packed: Packed, order: Codes, ids: Codes, session_ids: Codes, unsent: Mapping[int, int] | None = None
    ) -> DerivedTable:
        """The table. `order`: rows in order of time; `ids`: of each row; `session_ids`: of each row, 0 for none;
        `unsent`: bytes of originals that were not sent, by row.
        """

        def number(name: str) -> Recipe:
            def make() -> Made:
                values = packed[name][order].astype(np.int64)
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
                outer, inner = (packed[field][order].astype(np.int64) for field in (whole, part))
                return Made(outer - inner.clip(0), (outer < 0) | guessed[packed["head"][order]])

            return make

        def compressed(side: str, part: int) -> tuple[Ints, Ints, Bools]:
            """Decoded bytes, bytes as sent, and whether a coding stands between them."""
            coded = np.array([_is_coded(each[part]) for each in codings] or [False], dtype=bool)
            decoded, sent = (packed[f"{side}_{what}_bytes"][order].astype(np.int64) for what in ("decoded", "body"))
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
            "complete": lambda: Made(packed["complete"][order]),
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

    def _pack(self, row: int, values: tuple[int, ...]) -> None:
        """A row that may not fit: it is then kept apart, in full."""
        try:
            self._rows += _PACKED.pack(*values)
        except struct.error:
            self._wide[row] = _WIDE.pack(*values)
            self._rows += bytes(_PACKED.size)


def columns(packed: Packed) -> Columns:
    """What the other tables are joined by."""
    unasked, unanswered = packed["request_start"] < 0, packed["response_start"] < 0
    up, down = packed["request_wire_bytes"], packed["response_wire_bytes"]
    return Columns(
        session=packed["session"],
        connection=packed["connection_id"],
        start=np.where(unasked, packed["response_start"], packed["request_start"]),
        end=np.where(unanswered, packed["request_end"], packed["response_end"]),
        frame=np.where(unasked, packed["response_frame"], packed["request_frame"]),
        up=np.where(unasked, 0, up),
        down=np.where(unanswered, 0, down),
        answered=~unanswered,
    )


def in_order(found: Columns) -> tuple[Codes, Codes]:
    """Rows in order of time, and transaction_id by row."""
    order = np.lexsort((found.frame, found.start)).astype(np.int32)
    return order, (ranks(order) + 1).astype(np.int32)


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
