"""Parses the request target of EAS: the plain and the base64 form of its query.

Specification: MS-ASHTTP 2.2.1.1.1 (2.2.1.1.1.1 base64, 2.2.1.1.1.2 plain). Tolerant as clients are free: parameters in
any order and case, base64 without padding, in the URL-safe alphabet or percent-encoded, a prefix before the path,
`default.eas` behind it. The policy key is a credential of sorts: only whether it is set leaves this file.
"""

import binascii
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote, unquote_plus

from dissectors.cursor import Cursor
from dissectors.errors import Truncated

MAX_CACHED_CHARACTERS = 1024  # of a target; longer ones are parsed each time
MAX_CACHED_TARGETS = 16_384  # some thousand devices with a few commands each
MAX_PARAMETERS = 64

# MS-ASHTTP 2.2.1.1.1.1.2; 5 to 8 are in its earliest issues only, 23 in Microsoft's test suite only.
COMMAND_CODES: dict[int, str] = {
    0: "Sync",
    1: "SendMail",
    2: "SmartForward",
    3: "SmartReply",
    4: "GetAttachment",
    5: "GetHierarchy",
    6: "CreateCollection",
    7: "DeleteCollection",
    8: "MoveCollection",
    9: "FolderSync",
    10: "FolderCreate",
    11: "FolderDelete",
    12: "FolderUpdate",
    13: "MoveItems",
    14: "GetItemEstimate",
    15: "MeetingResponse",
    16: "Search",
    17: "Settings",
    18: "Ping",
    19: "ItemOperations",
    20: "Provision",
    21: "ResolveRecipients",
    22: "ValidateCert",
    23: "Find",
}
_COMMANDS = {name.lower(): name for name in (*COMMAND_CODES.values(), "Notify")}
_CODES = {name: code for code, name in COMMAND_CODES.items()}

# MS-ASHTTP 2.2.1.1.1.1.3; 2 and 5 only in Z-Push and Horde.
_TAGS = {
    0: "AttachmentName",
    1: "CollectionId",
    2: "CollectionName",
    3: "ItemId",
    4: "LongId",
    5: "ParentId",
    6: "Occurrence",
    7: "Options",
    8: "User",
}
_OPTIONS, _USER = 7, 8
_POLICY_KEY_BYTES = 4  # or none at all
_OPTION_BITS = ((0x01, "SaveInSent"), (0x02, "AcceptMultiPart"))
_VERSIONS = (121, 140, 141, 160, 161)
_LATER_VERSIONS = range(120, 200)  # accepted, and noted as odd

_PATH = "/Microsoft-Server-ActiveSync"
_LOWER_PATH = _PATH.lower()


class EasQuery(NamedTuple):
    """What the target of an EAS request says."""

    form: Literal["plain", "base64", "none"]  # none: a path without query, as OPTIONS has
    command: str | None  # in its official spelling; as sent when unknown
    command_code: int | None  # its number in the base64 form, whichever form was sent; None: it has none
    user: str | None
    device_id: str | None
    device_type: str | None
    protocol_version: str | None  # "14.1"; the base64 form only
    locale: int | None  # Windows LCID, 0x0409 is en-US; the base64 form only
    policy_key_set: bool | None  # never the key; the base64 form only
    parameters: tuple[tuple[str, str], ...]  # the command's own, by their plain names, in the order sent
    oddities: tuple[str, ...]  # codes: eas_query_...


NO_QUERY = EasQuery(
    form="none",
    command=None,
    command_code=None,
    user=None,
    device_id=None,
    device_type=None,
    protocol_version=None,
    locale=None,
    policy_key_set=None,
    parameters=(),
    oddities=(),
)


def parse_query(target: str) -> EasQuery | None:
    """What a request target says; None when it is not one of EAS."""
    if len(target) > MAX_CACHED_CHARACTERS:
        return _parse(target)
    if target.startswith(_PATH) or "activesync" in target.lower():
        return _cached(target)
    return None  # the many requests of others: not worth a place in the cache


def _parse(target: str) -> EasQuery | None:
    path, _, query = target.partition("?")
    path = unquote(path).lower()
    _, found, rest = path.rpartition(_LOWER_PATH)
    if not found or (rest and rest[0] != "/"):
        return None
    query = query.partition("#")[0].strip()
    if not query:
        return NO_QUERY
    if "cmd=" not in query.lower():
        decoded = _from_base64(query)
        if decoded:
            return decoded
    return _plain(query)


_cached = lru_cache(MAX_CACHED_TARGETS)(_parse)


def _plain(query: str) -> EasQuery:
    known: dict[str, str] = {}
    parameters: list[tuple[str, str]] = []
    oddities: list[str] = []
    pairs = query.split("&", MAX_PARAMETERS)
    if len(pairs) > MAX_PARAMETERS:
        oddities.append("eas_query_too_many_parameters")
        pairs.pop()
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name, value = unquote(name), unquote_plus(value)
        if name.lower() in ("cmd", "user", "deviceid", "devicetype"):
            if name.lower() in known:
                oddities.append("eas_query_repeated_parameter")
            known.setdefault(name.lower(), value)
        elif equals:
            parameters.append((name, value))
        elif pair:
            oddities.append("eas_query_unreadable")
    command = known.get("cmd")
    if command is not None and command.lower() not in _COMMANDS:
        oddities.append("eas_query_unknown_command")
    elif command is not None:
        command = _COMMANDS[command.lower()]
    return EasQuery(
        form="plain",
        command=command or None,
        command_code=_CODES.get(command or ""),
        user=known.get("user") or None,
        device_id=known.get("deviceid") or None,
        device_type=known.get("devicetype") or None,
        protocol_version=None,
        locale=None,
        policy_key_set=None,
        parameters=tuple(parameters),
        oddities=tuple(dict.fromkeys(oddities)),
    )


def _from_base64(query: str) -> EasQuery | None:
    """The query when it is base64 and its parts fit together; else None."""
    text = "".join(unquote(query).split()).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        cursor = Cursor(binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True))
        version, code = cursor.u8(), cursor.u8()
        if version not in _LATER_VERSIONS:
            return None
        locale = int.from_bytes(cursor.take(2), "little")
        device_id = cursor.take(cursor.u8())
        policy_key = cursor.take(cursor.u8())
        device_type = cursor.take(cursor.u8())
    except (Truncated, ValueError):  # binascii.Error is a ValueError
        return None
    oddities = [] if version in _VERSIONS else ["eas_query_unknown_version"]
    if code not in COMMAND_CODES:
        oddities.append("eas_query_unknown_command")
    if len(policy_key) not in (0, _POLICY_KEY_BYTES):
        oddities.append("eas_query_policy_key")
    user = None
    parameters: list[tuple[str, str]] = []
    try:
        while len(cursor):
            if len(parameters) >= MAX_PARAMETERS:
                oddities.append("eas_query_too_many_parameters")
                break
            tag = cursor.u8()
            length = cursor.u8()
            if tag == _OPTIONS:
                # Some client sends the length 0 and the bits all the same (Horde reads them).
                bits = cursor.take(length or min(1, len(cursor)))
                parameters += [(name, "T") for bit, name in _OPTION_BITS if bits and bits[0] & bit]
                continue
            value = cursor.take(length).decode("utf-8", "replace")
            if tag == _USER:
                if user is not None:
                    oddities.append("eas_query_repeated_parameter")
                user = user or value or None
            else:
                parameters.append((_TAGS.get(tag, f"Tag-{tag}"), value))
    except Truncated:
        oddities.append("eas_query_truncated")
    return EasQuery(
        form="base64",
        command=COMMAND_CODES.get(code, f"unknown ({code})"),
        command_code=code,
        user=user,
        device_id=_printable(device_id) or None,
        device_type=_printable(device_type) or None,
        protocol_version=f"{version // 10}.{version % 10}",
        locale=locale,
        policy_key_set=any(policy_key),
        parameters=tuple(parameters),
        oddities=tuple(dict.fromkeys(oddities)),
    )


def _printable(raw: bytes) -> str:
    """The text when every byte is printable ASCII, else hexadecimal (a device id may be a GUID)."""
    return raw.decode("ascii") if all(0x20 < byte < 0x7F for byte in raw) else raw.hex()
