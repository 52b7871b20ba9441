"""Takes the events of captures and writes the messages that were asked for, in order of the requests' start.

A request without answer waits for the end of its connection, which tells what became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from analyzer.decode.messages import Message, messages_of
from analyzer.decode.order import InOrder
from dissectors.eas import EasMessage, decode_transaction
from dissectors.events import Connection, Event, Transaction

if TYPE_CHECKING:
    from analyzer.decode.chosen import Choice

MAX_PENDING = 10_000  # requests without answer whose connection has not ended


class _Pending(NamedTuple):
    capture: str
    transaction: Transaction
    message: EasMessage


class Decoder:
    """Feed it every event, in the order in which an engine yields them, then call `finish` once."""

    def __init__(
        self,
        choice: Choice,
        render: Callable[[list[Message]], str],
        write: Callable[[str], object],
        *,
        show_content: bool = False,
        order: InOrder | None = None,
    ) -> None:
        """`render` is given the two messages of a transaction, `write` the text that it makes of them."""
        self._choice = choice
        self._render = render
        self._write = write
        self._show_content = show_content
        self._order = order or InOrder()
        self._capture = ""
        self._pending: dict[int, list[_Pending]] = {}
        self._pending_count = 0

    def begin(self, capture: str) -> None:
        """The events of another capture follow."""
        self._capture = capture

    def add(self, event: Event) -> None:
        """One event."""
        if isinstance(event, Transaction):
            message = decode_transaction(event)
            if message is None or not self._choice.takes(event, message):
                return
            new = _Pending(self._capture, event, message)
            if event.response is None and event.stream_reset is None and self._pending_count < MAX_PENDING:
                self._pending.setdefault(event.connection_id, []).append(new)
                self._pending_count += 1
            else:
                self._put(new, None)
        elif isinstance(event, Connection):
            for pending in self._pending.pop(event.connection_id, ()):
                self._pending_count -= 1
                self._put(pending, event)

    def finish(self) -> None:
        """There are no more events."""
        for left in self._pending.values():
            for pending in left:
                self._put(pending, None)
        self._pending.clear()
        for text in self._order.finish():
            self._write(text)

    def _put(self, what: _Pending, connection: Connection | None) -> None:
        capture, t, message = what
        first, last = t.request or t.response, t.response or t.request
        assert first is not None  # the seam: never both missing
        assert last is not None
        text = self._render(messages_of(capture, t, message, connection, show_content=self._show_content))
        for ready in self._order.add(first.start_ns, last.end_ns, first.first_frame, text):
            self._write(ready)
