"""What `directpush explain` says: a rule's page, a table, a column, a status number, from the one place it is written.

Rules come from their docstrings, tables and columns from the catalog, status numbers from `dissectors.eas.status`.
"""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap

from analyzer.findings import all_rules
from analyzer.tables.catalog import TABLES
from analyzer.tables.catalog.anomaly_codes import CODES
from analyzer.tables.schema import Column, Table
from dissectors.eas import status

KINDS = {
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "time": "time (UTC, nanoseconds)",
    "text": "text",
    "enum": "one of the values below",
    "json": "list or structure",
}


def explain(topic: str, width: int = 100) -> str | None:
    """The page on one topic, None when there is none. Upper and lower case do not matter."""
    topic = " ".join(topic.split())
    for rule in all_rules():
        if topic.lower() == rule.CODE.lower():
            return f"{rule.CODE}  {inspect.cleandoc(rule.__doc__ or '')}\n"
    name, _, column_name = topic.lower().partition(".")
    for table in TABLES:
        if table.name == name:
            if not column_name:
                return _table(table, width)
            for column in table.columns:
                if column.name == column_name:
                    return _column(table, column, width)
    if name == "decode":
        return _decode(column_name, width)
    return _columns(topic.lower(), width) or _code(topic.lower(), width) or _status(topic)


def contents(width: int = 100) -> str:
    """Everything that can be explained."""
    lines = ["Rules"]
    for rule in all_rules():
        lines += _wrapped(f"{rule.CODE:<14} {rule.TITLE}", width, "  ", " " * 17)
    lines += ["", "Tables (also TABLE.COLUMN, or just COLUMN)"]
    for table in TABLES:
        lines += _wrapped(f"{table.name:<14} {table.grain}", width, "  ", " " * 17)
    commands = ", ".join(f"{command} {next(iter(codes))}" for command, codes in status.BY_COMMAND.items())
    lines += ["", "Codes of anomalies, and why connections stayed encrypted"]
    lines += _wrapped(f"{', '.join(list(CODES)[:3])}, tls_record_malformed, no_key, ...", width, "  ", "  ")
    lines += ["", "Keys of directpush decode --json", "  decode, decode.wire_bytes, ..."]
    lines += ["", "Status numbers (a command or HTTP, and the number)"]
    lines += _wrapped(f"{commands}, HTTP 449, ...", width, "  ", "  ")
    return "\n".join(lines) + "\n"


def close_to(topic: str) -> list[str]:
    """What may have been meant."""
    known = [rule.CODE for rule in all_rules()]
    known += [name for table in TABLES for name in (table.name, *(f"{table.name}.{c.name}" for c in table.columns))]
    known += _all_codes()
    known += [f"{command} {code}" for command, codes in status.BY_COMMAND.items() for code in codes]
    return difflib.get_close_matches(topic, known, n=3, cutoff=0.6)


def _all_codes() -> list[str]:
    from dissectors.tls import reasons

    return [*CODES, *reasons.ANOMALIES, *reasons.WHY]


def _table(table: Table, width: int) -> str:
    lines = [table.name, *_wrapped(table.meaning, width, "  ", "  "), ""]
    lines += _wrapped(f"One row is {table.grain}. Key: {', '.join(table.key)}.", width, "  ", "  ")
    lines.append("")
    widest = max(len(column.name) for column in table.columns)
    for column in table.columns:
        personal = " (personal)" if column.personal else ""
        lines += _wrapped(f"{column.name:<{widest}}  {column.meaning}{personal}", width, "  ", " " * (widest + 4))
    return "\n".join(lines) + "\n"


def _column(table: Table, column: Column, width: int) -> str:
    lines = [f"{table.name}.{column.name}", *_wrapped(column.meaning, width, "  ", "  "), ""]
    kind = KINDS[column.kind]
    kind += "; names a person or a device, replaced by --pseudonymize" if column.personal else ""
    lines.append(f"  Type: {kind}.")
    values = column.values
    if (table.name, column.name) == ("connections", "why_encrypted"):
        from dissectors.tls import reasons  # brings cryptography with it

        values = tuple(reasons.WHY.items())
    widest = max((len(value) for value, _ in values), default=0)
    for value, meaning in values:
        lines += _wrapped(f"{value:<{widest}}  {meaning}", width, "    ", " " * (widest + 6))
    return "\n".join(lines) + "\n"


def _columns(name: str, width: int) -> str | None:
    """A column name without its table: the pages of all tables that have it."""
    pages = [_column(table, column, width) for table in TABLES for column in table.columns if column.name == name]
    return "\n".join(pages) or None


def _decode(key: str, width: int) -> str | None:
    """The keys of a line of `directpush decode --json`, or one of them."""
    from analyzer.decode.lines import KEYS

    if key:
        return "\n".join([f"decode.{key}", *_wrapped(KEYS[key], width, "  ", "  ")]) + "\n" if key in KEYS else None
    lines = [
        "decode",
        *_wrapped("One line of directpush decode --json is one request or one response.", width, "  ", "  "),
        "",
    ]
    widest = max(map(len, KEYS))
    for name, meaning in KEYS.items():
        lines += _wrapped(f"{name:<{widest}}  {meaning}", width, "  ", " " * (widest + 4))
    return "\n".join(lines) + "\n"


def _code(code: str, width: int) -> str | None:
    """An anomaly, or a reason why a connection stayed encrypted; words or with underscores."""
    from dissectors.tls import reasons  # brings cryptography with it

    code = code.replace(" ", "_")
    pages = []
    for meanings, where in (
        (CODES | reasons.ANOMALIES, "a code in the table anomalies"),
        (reasons.WHY, "a reason in connections.why_encrypted"),
    ):
        if code in meanings:
            pages.append("\n".join([f"{code}  ({where})", *_wrapped(meanings[code], width, "  ", "  ")]) + "\n")
    return "\n".join(pages) or None


def _status(topic: str) -> str | None:
    """`Ping 5`, `ping status 5`, `HTTP 449`, `449`."""
    match = re.fullmatch(r"(?:([a-z]+)\s+)?(?:status\s+)?([0-9]{1,4})", topic, re.IGNORECASE)
    if match is None:
        return None
    word, code = (match[1] or "").lower(), int(match[2])
    if word == "status":
        word = ""
    found = []
    for command, codes in status.BY_COMMAND.items():
        if word in ("", command.lower()) and code in codes:
            found.append(f"{command} status {code}: {codes[code]}.")
    known_commands = {command.lower() for command in status.BY_COMMAND}
    if (word in known_commands or not word) and code in status.COMMON:
        found.append(f"Status {code}, common to all commands: {status.COMMON[code]}.")
    if word in ("", "http") and code in status.HTTP:
        found.append(f"HTTP {code} on Exchange ActiveSync: {status.HTTP[code]}.")
    return "\n".join(found) + "\n" if found else None


def _wrapped(text: str, width: int, first: str, following: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )
