"""Which response answers which request, and when a transaction is finished.

Responses come in the order of the requests (RFC 9112 9.3). Where bytes are missing, order alone would shift every later
pair by one. So, because the clients looked at here send no request before they have the answer to the last one: a gap
between responses closes all requests but the last, and a request that begins after such a gap closes the one before.
A response without a request is held until the next request, which may stand before it in the capture and only be handed
in later (its side's reassembly had to wait).
"""

from dissectors.events import Request, Response, Transaction
from dissectors.http.messages import Exchange

MAX_PENDING_REQUESTS = 64  # without an answer; beyond, the oldest is given up
MAX_PENDING_BYTES = 128 * 1024 * 1024  # of kept bodies of such requests
MAX_EARLY_RESPONSES = 4  # held for a request to come


_NONE_EARLY: list[Response] = []  # shared, so never added to


class Pairing:
    """The exchanges of one connection. Methods append the transactions that they finish to `done`, in order."""

    __slots__ = ("careful", "connection_id", "doubt", "early", "number", "pending")

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        self.number = 0  # of the last transaction
        self.pending: list[Exchange] = []  # only the last one may still be being sent
        self.early = _NONE_EARLY  # responses without a request so far
        self.doubt = False  # answers may have been lost since the last request
        self.careful = False  # `begin` has more to do than to append: `early` or `doubt`

    def begin(
        self, method: str, keep: bool, first_frame: int, answering: Exchange | None, done: list[Transaction]
    ) -> Exchange:
        """A request begins in `first_frame`; `answering` is the exchange whose response is being read."""
        exchange = Exchange(method, keep)
        pending = self.pending
        if self.careful:
            if self.early and self.early[-1].first_frame > first_frame and not pending:
                exchange.response = self.early.pop()
            self.give_up_early(done)
            if self.doubt:
                self._give_up(len(pending), done)
            self.doubt = self.careful = False
        pending.append(exchange)
        if len(pending) > 1:
            self._bound(answering, done)
        return exchange

    def next_exchange(self) -> Exchange | None:
        """What a response that begins now answers."""
        self.doubt = False
        pending = self.pending
        return pending[0] if pending and pending[0].response is None else None

    def request_done(self, exchange: Exchange, request: Request, done: list[Transaction]) -> None:
        exchange.request = request
        if exchange.response is not None:
            self.pending.remove(exchange)
            self._emit(request, exchange.response, done)

    def response_done(self, exchange: Exchange | None, response: Response, done: list[Transaction]) -> None:
        if exchange is None:
            if not self.early:
                self.early = []
            self.early.append(response)
            self.careful = True
            if len(self.early) > MAX_EARLY_RESPONSES:
                self._emit(None, self.early.pop(0), done)
        elif exchange.request is None:  # answered before it was sent: legal, and the answer waits
            exchange.response = response
        else:
            self.pending.remove(exchange)
            self._emit(exchange.request, response, done)

    def responses_missing(self, done: list[Transaction]) -> None:
        """There is a gap where the next response was expected."""
        if self.pending:
            self._give_up(len(self.pending) - 1, done)
            self.doubt = self.careful = True

    def close(self, done: list[Transaction]) -> None:
        """Nothing more will come."""
        self.give_up_early(done)
        self._give_up(len(self.pending), done)

    def give_up_early(self, done: list[Transaction]) -> None:
        for response in self.early:
            self._emit(None, response, done)
        self.early = _NONE_EARLY

    def _give_up(self, count: int, done: list[Transaction]) -> None:
        for _ in range(count):
            exchange = self.pending.pop(0)
            self._emit(exchange.request, exchange.response, done)

    def _bound(self, answering: Exchange | None, done: list[Transaction]) -> None:
        """Requests that nobody answers (a capture of one side, or hostile) must not pile up."""
        pending = self.pending
        held = sum(len(exchange.request.body or b"") for exchange in pending if exchange.request is not None)
        while len(pending) > MAX_PENDING_REQUESTS or (held > MAX_PENDING_BYTES and len(pending) > 2):
            index = 1 if pending[0] is answering else 0
            exchange = pending[index]
            del pending[index]
            if exchange.request is not None:
                held -= len(exchange.request.body or b"")
            self._emit(exchange.request, exchange.response, done)

    def _emit(self, request: Request | None, response: Response | None, done: list[Transaction]) -> None:
        self.number += 1
        done.append(Transaction(self.connection_id, self.number, request, response))
