"""NOTIFY over UDP: one datagram with an HTTP head, no body, from the mailbox server to the Call-Back of a subscription.

    NOTIFY httpu://fe1.corp.example:2883/42 HTTP/1.1
    Subscription-id: 17, 18

MSDN aa142938; draft-goland-http-udp-00. Read as receivers read it (KDE's splits at LF and ignores case): names in any
case, any line ends, several ids, no path. Without an id it is unsolicited: the store is going down, for instance.

Left out: what else begins with NOTIFY over UDP, which is SSDP (`NOTIFY * HTTP/1.1`) and SIP; bodies; answers.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from dissectors.events import Anomaly, Datagram
from dissectors.notify.call_back import CallBack, parse_call_back
from dissectors.notify.ids import parse_ids
from dissectors.notify.oddity import Oddity

MAX_HEAD_BYTES: Final = 8192  # of a datagram are looked at
MAX_LINES: Final = 64
MAX_VALUE_CHARS: Final = 1024  # of a header that is kept
MAX_CACHED_BYTES: Final = 256  # floods repeat themselves: short datagrams are parsed once
MAX_CACHED: Final = 4096

HEADERS: Final = frozenset(
    ("host", "date", "server", "user-agent", "content-length", "content-location", "notification-type", "depth")
)
ID_HEADER: Final = "subscription-id"

_METHOD: Final = b"NOTIFY"
_USUAL: Final = re.compile(
    rb"NOTIFY ([Hh][Tt]{2}[Pp][Uu]://[!-~]{1,1000}) HTTP/1\.1\r\n"
    rb"[Ss]ubscription-[Ii][Dd]: ?([0-9, ]{1,200})\r\n(?:\r\n)?"
)
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_VERSION: Final = re.compile(r"HTTP/\d\.\d", re.IGNORECASE)
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Notification(NamedTuple):
    """One NOTIFY."""

    method: str  # as sent
    target: str  # the request URI as sent: the Call-Back of the subscription
    call_back: CallBack | None  # the same taken apart; None: not of that form
    subscription_ids: tuple[str, ...]  # empty: unsolicited
    headers: Mapping[str, str]  # those in HEADERS that it has, by lower-case name
    oddities: tuple[Oddity, ...]


def read_datagram(datagram: Datagram) -> Notification | Anomaly | None:
    """What a datagram says. None: it is something else that begins so; Anomaly: it should be a NOTIFY, and is not."""
    found = read_notify(datagram.payload, datagram.complete)
    if not isinstance(found, Oddity):
        return found
    return Anomaly(
        code=found.code,
        frame=datagram.frame,
        time_ns=datagram.time_ns,
        detail=found.detail,
        capture=datagram.capture,
    )


def read_notify(payload: bytes, complete: bool = True) -> Notification | Oddity | None:
    """The same from bytes; an Oddity where `read_datagram` gives an Anomaly. `complete`: nothing of it is cut off."""
    if complete and len(payload) <= MAX_CACHED_BYTES:
        return _read_short(payload)
    return _read(payload, complete)


@lru_cache(maxsize=MAX_CACHED)
def _read_short(payload: bytes) -> Notification | Oddity | None:
    return _read(payload, True)


def _read(payload: bytes, complete: bool) -> Notification | Oddity | None:
    usual = _USUAL.fullmatch(payload) if complete else None
    if usual is not None:
        target = usual[1].decode("ascii")
        call_back = parse_call_back(target)
        ids, odd = parse_ids(usual[2].decode("ascii"))
        if call_back is not None and call_back.port is not None and odd is None and ids:
            return Notification("NOTIFY", target, call_back, ids, _NO_HEADERS, ())
    start = payload[:MAX_HEAD_BYTES].lstrip(b"\r\n\t ")  # RFC 9112 2.2
    if start[: len(_METHOD)].upper() != _METHOD:
        return Oddity("notify_not", "a datagram to the notification port does not begin like NOTIFY")
    return _careful(start.decode("latin-1"), complete, len(payload) > MAX_HEAD_BYTES)


def _careful(text: str, complete: bool, too_long: bool) -> Notification | Oddity | None:
    """A datagram that is not of the usual form, from its first letter on."""
    lines = _LINE_END.split(text, MAX_LINES)
    end = lines.index("") if "" in lines else len(lines)
    words = lines[0].split()
    if words[-1].upper().startswith(("SIP/", "RTSP/")):
        return None
    first_line = len(words) in (2, 3) and words[0].upper() == "NOTIFY"
    if not first_line or (len(words) == 3 and not _VERSION.fullmatch(words[2])):
        if not complete and len(lines) == 1:
            return Oddity("notify_truncated", "the capture cut the datagram in its first line")
        return Oddity("notify_malformed", "the first line is not NOTIFY, a URI and HTTP/1.1")
    oddities: dict[str, Oddity] = {}

    def odd(code: str, detail: str) -> None:
        oddities.setdefault(code, Oddity(code, detail))

    if lines[0] != f"NOTIFY {words[1]} {words[-1]}" or len(words) == 2 or words[-1] != words[-1].upper():
        odd("notify_first_line", "the first line has odd spaces or letters, or lacks the version")
    fields = _fields(lines[1 : min(end, MAX_LINES)], odd)
    target, listed = words[1], fields.get(ID_HEADER)
    if target == "*" and listed is None:
        return None  # SSDP: somebody's printer says that it is there
    ids: tuple[str, ...] = ()
    if listed is not None:
        ids, bad = parse_ids(listed)
        if bad is not None:
            odd(*bad)
    call_back = parse_call_back(target)
    if call_back is None and listed is None:
        return Oddity("notify_malformed", "there is neither a URI to call back nor a Subscription-ID")
    if call_back is None or call_back.scheme != "httpu" or call_back.port is None:
        odd("notify_bad_uri", "the URI is not httpu://host:port")
    if not complete:
        odd("notify_truncated", "the capture cut the datagram: ids may be missing")
    elif "\r" in (bare := text.replace("\r\n", "")) or "\n" in bare:
        odd("notify_line_ends", "lines end in CR or LF alone")
    if too_long or len(lines) > MAX_LINES:
        odd("notify_too_long", f"more than {MAX_HEAD_BYTES} bytes or {MAX_LINES} lines: the rest was not read")
    elif any(line.strip("\0") for line in lines[end:]):
        odd("notify_body", "something follows the head, which should be all")
    headers = {name: fields[name][:MAX_VALUE_CHARS] for name in HEADERS & fields.keys()}
    return Notification(words[0], target, call_back, ids, headers or _NO_HEADERS, tuple(oddities.values()))


def _fields(lines: list[str], odd: Callable[[str, str], None]) -> dict[str, str]:
    """Header fields by lower-case name; repeated ones joined, folded ones unfolded (RFC 9112 5.2)."""
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in (" ", "\t") and name:
            fields[name] += f" {line.strip()}"
            continue
        raw, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(raw.strip()):
            odd("notify_bad_header", "a line is no name and value")
            name = ""
            continue
        name = raw.strip().lower()
        value = value.strip(" \t\0")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
