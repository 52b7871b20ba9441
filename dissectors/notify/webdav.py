"""SUBSCRIBE, POLL and UNSUBSCRIBE between front-end and mailbox server, from an HTTP transaction.

Exchange SDK (MSDN aa143117 SUBSCRIBE, aa142950 POLL, aa143125 UNSUBSCRIBE). A SUBSCRIBE with Subscription-ID renews;
one without Call-Back means that the subscriber polls. The answer is 200, or 207 with a part a subscription.

UPnP has methods of the same names (GENA: CALLBACK, NT, SID): those are not read here.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from dissectors.events import Response, Transaction
from dissectors.notify.call_back import CallBack, parse_call_back
from dissectors.notify.ids import parse_ids
from dissectors.notify.multistatus import Part, read_multistatus
from dissectors.notify.oddity import Oddity

METHODS: Final = frozenset(("SUBSCRIBE", "POLL", "UNSUBSCRIBE"))
MAX_SECONDS: Final = 10 * 365 * 86400  # of a lifetime or delay; more is no number of seconds
MAX_PATH_CHARS: Final = 2048
MULTISTATUS: Final = 207

_OURS: Final = frozenset(("notification-type", "call-back", "subscription-lifetime", "subscription-id"))
_UPNP: Final = frozenset(("callback", "nt", "sid"))
_SECONDS: Final = re.compile(r"\d{1,10}")


class Answer(NamedTuple):
    """What the mailbox server said."""

    status: int
    subscription_ids: tuple[str, ...]  # from the header, else from the parts
    lifetime_s: int | None  # granted; None: not stated
    content_location: str | None  # path that POLL and UNSUBSCRIBE must name
    parts: tuple[Part, ...]  # of a 207


class Subscribe(NamedTuple):
    """SUBSCRIBE: watch a folder, or go on watching it."""

    path: str  # of the folder, without server and query, unquoted
    host: str | None
    user: str | None  # where the request names one (Basic)
    subscription_ids: tuple[str, ...]  # to be renewed; empty: a new subscription
    notification_type: str | None
    depth: int | None  # 0: the item; 1: what is in the folder
    call_back: CallBack | None
    call_back_uri: str | None  # as sent
    lifetime_s: int | None  # asked for
    delay_s: int | None  # Notification-Delay
    answer: Answer | None
    oddities: tuple[Oddity, ...]


class Poll(NamedTuple):
    """POLL: what has happened?"""

    path: str
    host: str | None
    user: str | None
    subscription_ids: tuple[str, ...]
    answer: Answer | None
    oddities: tuple[Oddity, ...]


class Unsubscribe(NamedTuple):
    """UNSUBSCRIBE: stop watching."""

    path: str
    host: str | None
    user: str | None
    subscription_ids: tuple[str, ...]
    answer: Answer | None
    oddities: tuple[Oddity, ...]


DavMessage: TypeAlias = Subscribe | Poll | Unsubscribe


def read_transaction(transaction: Transaction) -> DavMessage | None:
    """What a transaction says about subscriptions; None when it says nothing. Odd bytes never raise."""
    request, response = transaction.request, transaction.response
    if request is None or (method := request.method.upper()) not in METHODS:
        return None
    headers = request.headers
    answered = response.headers if response is not None else {}
    if not _OURS & headers.keys() and not _OURS & answered.keys() and (_UPNP & headers.keys() or method != "POLL"):
        return None
    oddities: dict[str, Oddity] = {}
    ids = _ids(headers, oddities)
    answer = None if response is None else _answer(response, oddities)
    path, host = folder_path(request.target), headers.get("host")
    if method != "SUBSCRIBE":
        kind = Poll if method == "POLL" else Unsubscribe
        return kind(path, host, request.user, ids, answer, tuple(oddities.values()))
    uri = headers.get("call-back")
    call_back = None if uri is None else parse_call_back(uri)
    if uri is not None and (call_back is None or call_back.port is None):
        _note(oddities, "Call-Back is not httpu://host:port")
    depth = headers.get("depth")
    if depth not in (None, "0", "1"):
        _note(oddities, "Depth is neither 0 nor 1")
    lifetime, delay = (_seconds(headers, name, oddities) for name in ("subscription-lifetime", "notification-delay"))
    return Subscribe(
        path=path,
        host=host,
        user=request.user,
        subscription_ids=ids,
        notification_type=headers.get("notification-type"),
        depth=int(depth) if depth in ("0", "1") else None,
        call_back=call_back,
        call_back_uri=uri,
        lifetime_s=lifetime,
        delay_s=delay,
        answer=answer,
        oddities=tuple(oddities.values()),
    )


def folder_path(url: str) -> str:
    """The path of a URL, without server, query and quoting: /exchange/anna/Sent Items/"""
    scheme, separator, rest = url.partition("://")
    if separator and "/" not in scheme:
        _, slash, path = rest.partition("/")
        url = slash + path
    return unquote(url.partition("?")[0][:MAX_PATH_CHARS])


def _answer(response: Response, oddities: dict[str, Oddity]) -> Answer:
    headers = response.headers
    ids = _ids(headers, oddities)
    parts: tuple[Part, ...] = ()
    if response.status == MULTISTATUS and response.body:
        parts, odd = read_multistatus(response.body)
        if odd is not None:
            oddities.setdefault(odd.code, odd)
        if not ids:
            ids = tuple(dict.fromkeys(one for part in parts for one in part.subscription_ids))
    location = headers.get("content-location")
    return Answer(
        response.status,
        ids,
        _seconds(headers, "subscription-lifetime", oddities),
        None if location is None else folder_path(location),
        parts,
    )


def _ids(headers: Mapping[str, str], oddities: dict[str, Oddity]) -> tuple[str, ...]:
    text = headers.get("subscription-id")
    if text is None:
        return ()
    ids, odd = parse_ids(text, "webdav_bad_header")
    if odd is not None:
        oddities.setdefault(odd.code, odd)
    return ids


def _seconds(headers: Mapping[str, str], name: str, oddities: dict[str, Oddity]) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    text = text.strip()
    if not _SECONDS.fullmatch(text) or not text.isascii() or int(text) > MAX_SECONDS:
        _note(oddities, f"{name.title()} is no number of seconds")
        return None
    return int(text)


def _note(oddities: dict[str, Oddity], detail: str) -> None:
    oddities.setdefault("webdav_bad_header", Oddity("webdav_bad_header", detail))
