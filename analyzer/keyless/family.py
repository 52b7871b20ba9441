"""The connections of one client to one server: which exchanges are push waits, and how sure that is.

Nothing is known beforehand of lengths. A family shows its own: requests that are held repeat to the byte, their answers
stay within a few bytes of one another, waits that run out last equally long, and what follows a change is a Sync. Each
such regularity adds to a sum of log-odds (WEIGHTS), what chats do takes away from it, and below ACCEPT nothing is
said. The weights are judgements in round figures, not fitted to recordings; a family needs several kinds of evidence
to pass, and a single held request never does.

A chat that polls over HTTPS is the hard case: its polls are held, too. But its news come inside the answer, in small
pieces of any length, and what its user sends is sent whatever the poll has brought.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.keyless.exchanges import Exchange, Talk, unanswered
from analyzer.keyless.strangers import SILENCE_S, looks_held, perhaps_tickets
from analyzer.timeline.columns import NS
from dissectors.events import Connection

LONG_S = 55.0  # few other protocols are silent for so long while an answer is due
VERY_LONG_S = 300.0
FOLLOW_S = 1.5  # what a device sends so soon after an answer, it sends because of it
RECONNECT_S = 10.0
MAX_RECONNECTS = 20  # connections after a death, and requests on each, that are looked at
REQUEST_SLACK = 4  # bytes: digits of an interval, a sync key
ANSWER_SLACK = 3  # bytes: digits of a length, a counter; under CBC lengths are multiples of 16 and exact
NEAR_BYTES = 64  # by so much may an answer that names changed folders be longer than one that names none
NEWS_BYTES = 600  # less than that, and more than NEAR_BYTES, is no mail
SAME_TIME_S, SAME_TIME_SHARE = 2.0, 0.02  # waits that ran out lasted equally long within this
ACCEPT = 2.0  # log-odds: seven to one

PRIOR = -2.5
WEIGHTS = {
    "name": 2.0,  # the server is called as mail servers are
    "repeated": 1.0,  # two held requests of one length
    "repeated_often": 1.5,  # three or more
    "same_time": 0.7,  # two waits lasted equally long
    "same_time_often": 1.0,
    "near_answers": 0.5,  # all answers have nearly the same length
    "sync_follows": 1.5,  # an answer of a length of its own, then another request, then the held one again
    "asks_again": 1.0,  # after a death it connects anew and sends the same
    "other_work": 0.5,  # the same connection carries other requests, answered at once
    "long": 1.0,  # two waits of LONG_S
    "very_long": 1.5,  # two of VERY_LONG_S
    "news": -1.0,  # short pieces of news inside answers: a chat; each length, up to three
    "follows_anything": -1.0,  # another request follows whatever the answer was
}
MAX_NEWS = 3

_NAMES = frozenset(
    (
        "mail", "email", "webmail", "imail", "eas", "activesync", "exchange", "outlook", "owa", "autodiscover",
        "mobile", "mobilemail", "pushmail", "office365", "mx", "ex", "sync", "groupware", "zpush", "sogo", "kopano",
        "zimbra", "domino", "traveler",
    )
)  # fmt: skip


@dataclass(slots=True)
class Heard:
    """One connection of a family."""

    connection: Connection  # without its turns
    talk: Talk
    until_ns: int  # when it was closed, or the capture ended
    exchanges: list[Exchange] = field(default_factory=list)


class Held(NamedTuple):
    """One exchange that has the shape of a wait."""

    heard: Heard
    place: int  # in heard.exchanges

    @property
    def exchange(self) -> Exchange:
        return self.heard.exchanges[self.place]

    @property
    def next(self) -> Exchange | None:
        """What the device sent next on the same connection."""
        later = self.place + 1
        return self.heard.exchanges[later] if later < len(self.heard.exchanges) else None

    @property
    def followed(self) -> Exchange | None:
        """What it sent because of the answer."""
        e, after = self.exchange, self.next
        if e.answer_ns < 0 or after is None or (after.request_ns - e.answer_end_ns) / NS > FOLLOW_S:
            return None
        return after


class Family:
    """The connections of one client to one server, in order of time."""

    def __init__(self, members: Sequence[Heard]) -> None:
        self.members = sorted(members, key=lambda h: (h.connection.start_ns, h.connection.connection_id))
        _without_tickets(self.members)
        self.block = _is_block(self.members)
        self.slack = 0 if self.block else ANSWER_SLACK
        self.held = [
            Held(heard, place)
            for heard in self.members
            for place, e in enumerate(heard.exchanges)
            if looks_held(e, heard.until_ns)
        ]
        counted = Counter(held.exchange.request_bytes for held in self.held)
        repeated = {size for size in counted if _near(size, counted, REQUEST_SLACK) >= 2}
        otherwise = self._otherwise(repeated)
        self.lengths = {size for size in repeated if counted[size] > otherwise[size]}
        self._asked = widened(self.lengths, REQUEST_SLACK)
        self._starts = [heard.connection.start_ns for heard in self.members]
        self.answers = Counter(
            held.exchange.answer_bytes
            for held in self.held
            if held.exchange.answer_ns >= 0 and held.exchange.request_bytes in self.lengths
        )

    def _otherwise(self, sizes: set[int]) -> Counter[int]:
        """How many requests of each length, once one was held, were answered soon and with much more: Syncs, say."""
        since_ns: dict[int, int] = {}
        for held in self.held:
            e = held.exchange
            since_ns[e.request_bytes] = min(e.request_ns, since_ns.get(e.request_bytes, e.request_ns))
        usual = min((held.exchange.answer_bytes for held in self.held if held.exchange.answer_ns >= 0), default=0)
        return Counter(
            e.request_bytes
            for heard in self.members
            for e in heard.exchanges
            if e.request_bytes in sizes
            and e.request_ns > since_ns[e.request_bytes]
            and e.answer_ns >= 0
            and e.held_s < SILENCE_S
            and e.answer_bytes > usual + NEAR_BYTES
        )

    def evidence(self) -> dict[str, float]:
        """What speaks for and against ActiveSync, with its weight."""
        found = dict(self._of_requests()) | dict(self._of_times()) | dict(self._of_answers())
        return {word: WEIGHTS[word] * times for word, times in found.items() if times}

    def score(self) -> float:
        return PRIOR + sum(self.evidence().values())

    @property
    def accepted(self) -> bool:
        return len(self.held) >= 2 and bool(self.lengths) and self.score() >= ACCEPT

    def asks_same(self, e: Exchange) -> bool:
        """The request is one of those that are held again and again."""
        return e.request_bytes in self._asked

    def _of_requests(self) -> Iterator[tuple[str, float]]:
        tls = self.members[0].connection.tls
        yield "name", _speaks_of_mail((tls.sni if tls is not None else None) or "")
        counted = Counter(held.exchange.request_bytes for held in self.held)
        most = max((_near(size, counted, REQUEST_SLACK) for size in counted), default=0)
        yield ("repeated_often" if most >= 3 else "repeated"), most >= 2
        yield "asks_again", any(map(self._asked_again, self.held))
        waits = {(id(held.heard), held.place) for held in self.held}
        work = [
            sum((id(heard), place) not in waits for place in range(len(heard.exchanges)))
            for heard in {id(held.heard): held.heard for held in self.held}.values()
        ]
        yield "other_work", max(work, default=0) >= 2

    def _of_times(self) -> Iterator[tuple[str, float]]:
        times = [held.exchange.held_s for held in self.held if held.exchange.answer_ns >= 0]
        most = max(map(len, alike(times)), default=0)
        yield ("same_time_often" if most >= 3 else "same_time"), most >= 2
        silences = [held.exchange.silence_s(held.heard.until_ns) for held in self.held]
        yield "long", sum(silence >= LONG_S for silence in silences) >= 2
        yield "very_long", sum(silence >= VERY_LONG_S for silence in silences) >= 2

    def _of_answers(self) -> Iterator[tuple[str, float]]:
        answers = self.answers
        if not answers:
            return
        yield "near_answers", sum(answers.values()) >= 2 and max(answers) - min(answers) <= NEAR_BYTES
        again, other = Counter[int](), Counter[int]()
        for held in self.held:
            after = held.followed
            if after is not None:
                (again if self.asks_same(after) else other)[held.exchange.answer_bytes] += 1
        usual = min(again or answers)
        news = [size for size in again + other if NEAR_BYTES < size - usual <= NEWS_BYTES]
        yield "news", min(len(news), MAX_NEWS)
        own = sum(n for size, n in other.items() if not _near(size, again, self.slack) and size - usual <= NEAR_BYTES)
        shared = sum(n for size, n in other.items() if _near(size, again, self.slack))
        yield "sync_follows", own > 0 and shared <= own / 2
        yield "follows_anything", shared > own and not self.block

    def _asked_again(self, held: Held) -> bool:
        """It was never answered, and a new connection soon carried the same request."""
        if held.exchange.answer_ns >= 0:
            return False
        until_ns, size = held.heard.until_ns, held.exchange.request_bytes
        first = bisect_left(self._starts, until_ns)
        return any(
            abs(e.request_bytes - size) <= REQUEST_SLACK
            for heard in self.members[first : first + MAX_RECONNECTS]
            if heard.connection.start_ns - until_ns <= RECONNECT_S * NS
            for e in heard.exchanges[:MAX_RECONNECTS]
        )


def alike(times: Sequence[float]) -> list[list[float]]:
    """Times that are equal within SAME_TIME_S or SAME_TIME_SHARE of the first, in order."""
    groups: list[list[float]] = []
    for time in sorted(times):
        if groups and time - groups[-1][0] <= max(SAME_TIME_S, SAME_TIME_SHARE * groups[-1][0]):
            groups[-1].append(time)
        else:
            groups.append([time])
    return groups


def widened(sizes: Iterable[int], slack: int) -> set[int]:
    """All lengths that are one of these within the slack."""
    return {size + off for size in sizes for off in range(-slack, slack + 1)}


def _near(size: int, counted: Counter[int], slack: int) -> int:
    return sum(counted[other] for other in range(size - slack, size + slack + 1))


def _speaks_of_mail(name: str) -> bool:
    words = name.lower().replace("-", ".").split(".")
    return any(word.rstrip("0123456789") in _NAMES or word in _NAMES for word in words)


def _is_block(members: Sequence[Heard]) -> bool:
    """Lengths are rounded to the blocks of a cipher."""
    ciphers = [h.connection.tls.cipher for h in members if h.connection.tls is not None and h.connection.tls.cipher]
    return any("_CBC" in cipher for cipher in ciphers)


def _without_tickets(members: Sequence[Heard]) -> None:
    """Takes tickets off the first answers, once some connection of the family has shown how long they are.

    A server sends one ticket, or two of one length, which packets may part; some of them may come before the request.
    """
    shown = Counter[int]()
    for heard in members:
        heard.exchanges = list(heard.talk.exchanges)
        shown.update(size for size in heard.talk[2:] if size)
    usual = max(shown, key=lambda size: (shown[size], size), default=0)
    known = {size for piece in shown for size in (piece, piece * 2, piece // 2)}
    for heard in members:
        before = heard.talk.tickets_before
        if not heard.exchanges or heard.talk.tickets_after or not usual:
            continue
        first = heard.exchanges[0]
        if perhaps_tickets(first) and first.answer_bytes in ({before} if before else known):
            heard.exchanges[0] = unanswered(first)
        elif first.opening and not before and first.answer_bytes > usual:
            heard.exchanges[0] = first._replace(answer_bytes=first.answer_bytes - usual)
