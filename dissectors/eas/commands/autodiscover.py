"""Autodiscover: how a device finds its server from a mail address; XML over an address of its own.

Specification: MS-ASCMD 2.2.1.1 and MS-OXDSCLI. Desktop programs use the same address with another schema; a body that
does not ask for the schema `mobilesync` is none of ours. It is also what devices do after a 401, 403 or 500.

The XML is read by expat, event by event, of at most `MAX_XML_BYTES`. A document type is an error: so there are no
entities to expand and nothing is fetched. Mail addresses and the names of people stay behind.
"""

from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from xml.parsers import expat

from dissectors.eas.oddity import Oddity

MAX_XML_BYTES = 64 * 1024
MAX_TEXT_CHARACTERS = 1024  # of one element
MAX_SERVERS = 16
PATH = "/autodiscover/autodiscover.xml"
SCHEMA = "/autodiscover/mobilesync/"  # in the namespace of the response, and in what a request accepts


class AutodiscoverRequest(NamedTuple):
    """Asks where the mailbox of an address is; the address stays behind."""

    size_bytes: int
    complete: bool
    oddities: tuple[Oddity, ...]


class AutodiscoverResponse(NamedTuple):
    """Where the mailbox is."""

    action: Literal["settings", "redirect", "error"] | None  # redirect: to another mail address
    servers: tuple[tuple[str | None, str | None], ...]  # type (MobileSync, CertEnroll) and host
    status: int | None  # of an error, MS-ASCMD 2.2.3.177.1
    error_code: int | None  # of the service around it, MS-OXDSCLI: 600 invalid request, 601 no provider, ...
    size_bytes: int
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Autodiscover"


def is_target(target: str) -> bool:
    """Whether a request target is that of Autodiscover, which has no query; asked of every request that is not EAS."""
    return target[-len(PATH) :].lower() == PATH


def read_request(body: bytes, *_ignored: object) -> AutodiscoverRequest | None:
    """The request in a body; None when it does not ask for `mobilesync`."""
    if b"<" not in body[:64]:
        return None
    found = _Reading(body)
    wanted = found.texts.get("AcceptableResponseSchema", [])
    if not any(SCHEMA in schema for schema in wanted):
        return None
    return AutodiscoverRequest(size_bytes=len(body), complete=found.complete, oddities=found.oddities)


def read_response(body: bytes, *_ignored: object) -> AutodiscoverResponse | None:
    """The response in a body; None when it is not of `mobilesync`."""
    if b"<" not in body[:64]:
        return None
    found = _Reading(body)
    if not any(SCHEMA in namespace for namespace in found.namespaces):
        return None
    action: Literal["settings", "redirect", "error"] | None = None
    if "Error" in found.texts:
        action = "error"
    elif "Redirect" in found.texts:
        action = "redirect"
    elif "Settings" in found.texts:
        action = "settings"
    return AutodiscoverResponse(
        action=action,
        servers=tuple(found.servers),
        status=_number(found.texts.get("Status", [])),
        error_code=_number(found.texts.get("ErrorCode", [])),
        size_bytes=len(body),
        complete=found.complete,
        oddities=found.oddities,
    )


class _Reading:
    """What an XML body holds: its namespaces and the texts of the few elements that count."""

    def __init__(self, body: bytes) -> None:
        self.namespaces: set[str] = set()
        self.texts: dict[str, list[str]] = {}
        self.servers: list[tuple[str | None, str | None]] = []
        self.complete = False
        self.oddities: tuple[Oddity, ...] = ()
        self._text = ""
        self._type: str | None = None
        self._host: str | None = None
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            parser.Parse(body[:MAX_XML_BYTES], len(body) <= MAX_XML_BYTES)
            self.complete = len(body) <= MAX_XML_BYTES
        except (expat.ExpatError, _Doctype) as problem:
            words = "a document type" if isinstance(problem, _Doctype) else expat.ErrorString(problem.code)
            self.oddities = (Oddity("eas_bad_xml", f"the XML of Autodiscover is odd: {words}"),)

    def _doctype(self, *_ignored: object) -> None:
        raise _Doctype

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        if SCHEMA in namespace:
            self.namespaces.add(namespace[:MAX_TEXT_CHARACTERS])
        self._text = ""
        if tag in _SEEN:
            self.texts.setdefault(tag, [])

    def _data(self, text: str) -> None:
        if len(self._text) < MAX_TEXT_CHARACTERS:
            self._text += text[:MAX_TEXT_CHARACTERS]

    def _end(self, name: str) -> None:
        tag, text = name.rpartition(" ")[2], self._text.strip()
        self._text = ""
        if tag in _KEPT:
            self.texts[tag].append(text)
        elif tag == "Type":
            self._type = text if text in _SERVER_TYPES else None
        elif tag == "Url":
            self._host = _host(text)
        elif tag == "Server":
            if len(self.servers) < MAX_SERVERS:
                self.servers.append((self._type, self._host))
            self._type = self._host = None


class _Doctype(Exception):
    """The body has a document type."""


_KEPT = frozenset(("AcceptableResponseSchema", "Status", "ErrorCode"))
_SEEN = _KEPT | {"Settings", "Redirect", "Error"}
_SERVER_TYPES = frozenset(("MobileSync", "CertEnroll"))  # MS-ASCMD 2.2.3.186.1


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _number(texts: list[str]) -> int | None:
    text = texts[0] if texts else ""
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= 9 else None
