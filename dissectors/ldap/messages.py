"""LDAP messages: which operation, and of binds and searches the little that matters (RFC 4511 4.2, 4.5).

Credentials, names of those who bind and everything that a search finds stay behind. Of a filter comes out the first
value of an attribute that names a user, so that a search can be told to belong to that user's request.
"""

from typing import Final, NamedTuple

from dissectors.cursor import Cursor
from dissectors.errors import Truncated
from dissectors.events import CLIENT
from dissectors.ldap.ber import ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, BadBer, element, header, integer

MAX_FILTER_ELEMENTS = 256  # looked at, of one filter
MAX_USER_BYTES = 256
SNIFF_BYTES = 16  # of a first message: header, message id and the tag of the operation

# [APPLICATION n] tags of RFC 4511 4.2 to 4.13
BIND_REQUEST, BIND_RESPONSE, UNBIND = 0x60, 0x61, 0x42
SEARCH_REQUEST, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE = 0x63, 0x64, 0x65, 0x73
EXTENDED_REQUEST, EXTENDED_RESPONSE = 0x77, 0x78
OF_CLIENT: Final = frozenset(
    (BIND_REQUEST, UNBIND, SEARCH_REQUEST, EXTENDED_REQUEST, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50)
)
OF_SERVER: Final = frozenset(
    (BIND_RESPONSE, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE, EXTENDED_RESPONSE, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x79)
)

SASL_BIND_IN_PROGRESS = 14  # RFC 4511 4.1.9
START_TLS = b"1.3.6.1.4.1.1466.20037"  # RFC 4511 4.14.1

_SCOPES = {0: "base", 1: "one", 2: "subtree"}
_MECHANISMS = {0x80: "simple", 0x89: "sicily", 0x8A: "sicily", 0x8B: "sicily"}  # MS-ADTS 5.1.1.1.3
_SASL = 0xA3
_AND_OR_NOT = (0xA0, 0xA1, 0xA2)
_EQUALITY, _SUBSTRINGS, _APPROXIMATE = 0xA3, 0xA4, 0xA8
_SIMPLE_FILTERS = frozenset((_EQUALITY, _SUBSTRINGS, 0xA5, 0xA6, _APPROXIMATE))
# Attributes of Active Directory whose value names a user or mailbox.
_NAMES_USER = {
    name.lower(): name
    for name in (
        *("sAMAccountName", "userPrincipalName", "mailNickname", "proxyAddresses", "mail", "uid", "cn", "anr"),
        *("legacyExchangeDN", "distinguishedName", "msExchMailboxGuid", "objectSid", "objectGUID"),
    )
}


class Bind(NamedTuple):
    """How somebody signs in; not who, and not with what."""

    mechanism: str


class Search(NamedTuple):
    """Where a search looks, and for whom."""

    scope: str | None
    searched_by: str | None
    user: str | None


class Message(NamedTuple):
    """The outside of any message."""

    message_id: int
    operation: int  # tag
    content: Cursor  # of the operation


def looks_like_ldap(side: int, first: bytes) -> bool | None:
    """Whether the first bytes of a side begin a message of that side: True, False, or None when more are needed."""
    try:
        found = message(first)
    except Truncated:
        return None if len(first) < SNIFF_BYTES else False
    except BadBer:
        return False
    return found.operation in (OF_CLIENT if side == CLIENT else OF_SERVER)


def message(data: bytes) -> Message:
    """The outside of the message that `data` begins with. Raises `Truncated`, `BadBer`."""
    cursor = Cursor(data)
    if len(cursor) and data[0] != SEQUENCE:
        raise BadBer("no sequence")
    header(cursor)
    number = element(cursor)
    if number.tag != INTEGER:
        raise BadBer("no message id")
    message_id = integer(number)
    begin = cursor.position
    if cursor.u8() not in OF_CLIENT | OF_SERVER:
        raise BadBer("no operation of LDAP")
    cursor.position = begin
    tag = data[begin]
    try:
        _, length = header(cursor)
    except Truncated:
        length = 0
    return Message(message_id, tag, Cursor(data, cursor.position, cursor.position + length))


def bind(content: Cursor) -> Bind | None:
    """A BindRequest: version, name, choice of credentials. None when it cannot be read."""
    try:
        element(content)
        name = element(content)
        choice = element(content)
        if choice.tag == _SASL:
            mechanism = element(choice.content).content.rest()[:32].decode("ascii", "replace")
            return Bind(mechanism.upper() if mechanism.isprintable() else "sasl")
    except (Truncated, BadBer):
        return None
    if choice.tag == 0x80 and not name.length and not choice.length:
        return Bind("anonymous")
    return Bind(_MECHANISMS.get(choice.tag, "unknown"))


def search(content: Cursor) -> Search:
    """A SearchRequest: base, scope, dereferencing, limits, types only, filter. What is cut off is not known."""
    scope = None
    try:
        base = element(content).content.rest()
        of_scope = element(content)
        if of_scope.tag == ENUMERATED:
            scope = _SCOPES.get(integer(of_scope))
        for _ in range(4):  # derefAliases, sizeLimit, timeLimit, typesOnly
            element(content)
        searched_by, user = _filter(content)
    except (Truncated, BadBer):
        return Search(scope, None, None)
    if user is None and scope == "base":
        searched_by, user = _first_name(base)
    return Search(scope, searched_by, user)


def result_code(content: Cursor) -> int | None:
    """The result code that a response begins with."""
    try:
        found = element(content)
        return integer(found) if found.tag == ENUMERATED else None
    except (Truncated, BadBer):
        return None


def asks_for_tls(content: Cursor) -> bool:
    """An ExtendedRequest is StartTLS."""
    try:
        name = element(content)
        return name.tag == 0x80 and name.content.rest() == START_TLS
    except (Truncated, BadBer):
        return False


def _filter(content: Cursor) -> tuple[str | None, str | None]:
    """The first attribute and value in a filter that name a user. Filters nest; they are walked without recursion."""
    part = element(content)
    waiting: list[Cursor] = []
    for _ in range(MAX_FILTER_ELEMENTS):
        if part.tag in _AND_OR_NOT:
            waiting.append(part.content)
        elif part.tag in _SIMPLE_FILTERS and (found := _assertion(part.content)) is not None:
            return found
        while waiting and not len(waiting[-1]):
            waiting.pop()
        if not waiting:
            break
        part = element(waiting[-1])
    return None, None


def _assertion(content: Cursor) -> tuple[str, str] | None:
    """Attribute and value, where the attribute names a user and the value is text."""
    attribute = element(content).content.rest()[:64].decode("latin-1").lower()
    value = element(content)
    raw = value.content.rest()
    if len(raw) < value.length:  # cut off: who would know whom it names
        return None
    if value.tag == SEQUENCE:  # substrings: the first of its parts
        raw = element(Cursor(raw)).content.rest() if raw else b""
    elif value.tag != OCTET_STRING:
        return None
    name = _NAMES_USER.get(attribute.partition(";")[0])
    text = _text(raw)
    return None if name is None or text is None else (name, text)


def _first_name(base: bytes) -> tuple[str | None, str | None]:
    """`CN=Anna,OU=...` names Anna; RFC 4514 escapes are left as they are."""
    kind, equals, value = base[: 2 * MAX_USER_BYTES].partition(b",")[0].partition(b"=")
    text = _text(value)
    return ("cn", text) if equals and kind.strip().lower() == b"cn" and text else (None, None)


def _text(raw: bytes) -> str | None:
    if not 0 < len(raw) <= MAX_USER_BYTES:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None  # a GUID or SID in binary
    return text if text.isprintable() else None
