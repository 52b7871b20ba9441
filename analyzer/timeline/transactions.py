"""HTTP transactions → rows of `transactions`, and the side columns that every other table is joined by.

A row goes to the builder as soon as its transaction arrives and is known from then on by its place there, its `row`.
Ids are given at the end, in order of time, because an engine yields events connection by connection.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import transactions
from analyzer.timeline.columns import Bools, Ints, ints, ranks
from dissectors.events import Transaction


class Columns(NamedTuple):
    """One value a row, in order of arrival."""

    session: Ints  # provisional number; -1: none
    connection: Ints
    start: Ints  # ns: of the request, else of the response
    end: Ints  # ns: of the response, else of the request
    frame: Ints
    up: Ints  # wire bytes; 0: not seen
    down: Ints
    answered: Bools


class Transactions:
    """The rows so far. `session` is -1 for a transaction that belongs to none."""

    def __init__(self) -> None:
        self.builder = TableBuilder(transactions.TABLE)
        self._append = self.builder.append
        self._session = array("q")

    def add(self, t: Transaction, session: int, command: str | None, eas_status: int | None) -> int:
        """Returns the row."""
        request, response = t.request, t.response
        if request is not None and response is not None:
            headers = response.headers
            row: tuple[object, ...] = (
                None,
                t.connection_id,
                None,
                request.start_ns,
                request.end_ns,
                response.start_ns,
                response.end_ns,
                request.method,
                request.headers.get("host"),
                request.target.partition("?")[0],
                command,
                response.status,
                request.wire_bytes,
                response.wire_bytes,
                request.body_bytes,
                response.body_bytes,
                request.decoded_bytes,
                response.decoded_bytes,
                request.first_frame,
                response.first_frame,
                request.http_version,
                request.complete and response.complete,
                False,
                request.last_frame,
                response.last_frame,
                eas_status,
                headers.get("content-encoding"),
            )
        else:
            row = _partial_row(t, command, eas_status)
        self._session.append(session)
        self._append(row)
        return len(self._session) - 1

    def columns(self) -> Columns:
        """What the other tables are joined by. Call when all transactions are there, before `finish`."""
        column, mask = self.builder.column, self.builder.mask
        unasked, unanswered = mask("request_start"), mask("response_start")
        return Columns(
            session=ints(self._session),
            connection=column("connection_id"),
            start=np.where(unasked, column("response_start"), column("request_start")),
            end=np.where(unanswered, column("request_end"), column("response_end")),
            frame=np.where(unasked, column("response_frame"), column("request_frame")),
            up=column("request_wire_bytes"),
            down=column("response_wire_bytes"),
            answered=~unanswered,
        )

    def finish(self, columns: Columns, session_ids: Ints) -> tuple[TableBuilder, Ints]:
        """Put the rows in order. `session_ids`: of each row, 0 for none. Returns them and row → transaction_id."""
        order = np.lexsort((columns.frame, columns.start))
        ids = ranks(order) + 1
        self.builder.replace("transaction_id", ids)
        self.builder.replace("session_id", session_ids, session_ids == 0)
        self.builder.reorder(order)
        return self.builder, ids


def _partial_row(t: Transaction, command: str | None, eas_status: int | None) -> tuple[object, ...]:
    """A row without its request or without its response."""
    request, response = t.request, t.response
    return (
        None,
        t.connection_id,
        None,
        request and request.start_ns,
        request and request.end_ns,
        response and response.start_ns,
        response and response.end_ns,
        request and request.method,
        request and request.headers.get("host"),
        request and request.target.partition("?")[0],
        command,
        response and response.status,
        request and request.wire_bytes,
        response and response.wire_bytes,
        request and request.body_bytes,
        response and response.body_bytes,
        request and request.decoded_bytes,
        response and response.decoded_bytes,
        request and request.first_frame,
        response and response.first_frame,
        (request or response).http_version,  # type: ignore[union-attr]  # never both missing
        False,
        False,
        request and request.last_frame,
        response and response.last_frame,
        eas_status,
        response and response.headers.get("content-encoding"),
    )
