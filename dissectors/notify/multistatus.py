"""The body of a 207 answer to POLL, SUBSCRIBE or UNSUBSCRIBE: what became of each subscription.

RFC 4918 section 13 for the frame; MSDN aa142950 for what Exchange puts in:

    <a:multistatus xmlns:a="DAV:" xmlns:b="http://schemas.microsoft.com/Exchange/">
      <a:response>
        <a:href>http://be1.corp.example/exchange/anna/Inbox</a:href>
        <a:status>HTTP/1.1 200 OK</a:status>
        <b:subscriptionID><li>17</li></b:subscriptionID>
      </a:response>
    </a:multistatus>

200: there were events; 204: there were none. Names are taken without their namespace, of which descriptions give two.

The parser is expat with everything dangerous refused: a document type (and with it every entity) ends the reading, the
encoding is UTF-8 or UTF-16 by the first bytes, whatever the body announces, and size, depth, elements and text are
limited. What came before is kept.
"""

import re
from typing import Final, NamedTuple
from xml.parsers import expat

from dissectors.notify.ids import parse_ids
from dissectors.notify.oddity import Oddity

MAX_BODY_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 50_000
MAX_TEXT_CHARS: Final = 4096  # of one element; the rest is passed over

BAD: Final = "webdav_multistatus_bad"
REFUSED: Final = "webdav_multistatus_refused"
LIMIT: Final = "webdav_multistatus_limit"

_STATUS: Final = re.compile(r"\s*HTTP/\d\.\d\s+(\d{3})\b", re.IGNORECASE)


class Part(NamedTuple):
    """One `response` element."""

    status: int | None  # 200: events; 204: none; 412 and others: no such subscription
    subscription_ids: tuple[str, ...]
    href: str | None
    content_location: str | None


class _Stopped(Exception):
    """Reading ends here, for this reason."""

    def __init__(self, odd: Oddity) -> None:
        super().__init__(odd.code)
        self.odd = odd


class _Reader:
    """What expat calls."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.multistatus = False
        self.odd: Oddity | None = None  # of the first list of ids that is odd
        self._open: list[str] = []  # local names, lower case
        self._text: list[str] = []
        self._chars = 0
        self._elements = 0
        self._found: dict[str, str] = {}  # in the part that is open: the first of each
        self._ids: list[str] = []

    def start(self, name: str, _attributes: list[str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise _Stopped(Oddity(LIMIT, f"more than {MAX_ELEMENTS} elements"))
        if len(self._open) >= MAX_DEPTH:
            raise _Stopped(Oddity(LIMIT, f"elements are nested deeper than {MAX_DEPTH}"))
        local = name.rpartition(" ")[2].lower()
        if not self._open:
            self.multistatus = local == "multistatus"
        elif local == "response":
            self._found, self._ids = {}, []
        self._open.append(local)
        self._text, self._chars = [], 0

    def text(self, data: str) -> None:
        room = MAX_TEXT_CHARS - self._chars
        if room > 0:
            self._text.append(data[:room])
            self._chars += len(data)

    def end(self, _name: str) -> None:
        local = self._open.pop()
        text = "".join(self._text).strip()
        self._text, self._chars = [], 0
        if local == "response":
            status = _STATUS.match(self._found.get("status", ""))
            ids, odd = parse_ids(",".join(self._ids), "webdav_bad_header")
            self.odd = self.odd or odd
            self.parts.append(
                Part(
                    int(status[1]) if status else None, ids, self._found.get("href"), self._found.get("contentlocation")
                )
            )
            self._found, self._ids = {}, []
        elif text and (local == "subscriptionid" or (local == "li" and "subscriptionid" in self._open)):
            self._ids.append(text)
        elif text and local in ("status", "href", "contentlocation"):
            self._found.setdefault(local, text)
        elif text and local == "li" and "contentlocation" in self._open:
            self._found.setdefault("contentlocation", text)


def read_multistatus(body: bytes) -> tuple[tuple[Part, ...], Oddity | None]:
    """The parts in their order, and what was odd. No input makes it raise."""
    if len(body) > MAX_BODY_BYTES:
        return (), Oddity(LIMIT, f"a body of more than {MAX_BODY_BYTES} bytes is not read")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    odd = None
    try:
        parser.Parse(body, True)
    except _Stopped as stopped:
        odd = stopped.odd
    except expat.ExpatError as error:
        odd = Oddity(BAD, f"not well-formed XML: {expat.ErrorString(error.code)}, line {error.lineno}")
    if odd is None and not reader.multistatus:
        odd = Oddity(BAD, "the root element is not multistatus")
    return tuple(reader.parts) if reader.multistatus else (), odd or reader.odd


def _refuse(*_: object) -> int:
    raise _Stopped(Oddity(REFUSED, "it has a document type declaration, which is not read"))
