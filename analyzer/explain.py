"""What `directpush explain` says: a rule's page, a table, a column, a heading, a value, a status number.

Each comes from the one place where it is written: rules from their docstrings, tables and columns with their values
from the catalog, headings of the summary from `reports.headings`, status numbers from `dissectors.eas.status`.
"""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator

from analyzer.findings import all_rules
from analyzer.findings.words import listed
from analyzer.reports.headings import HEADINGS, Heading, about
from analyzer.tables.catalog import TABLES
from analyzer.tables.catalog.anomaly_codes import CODES
from analyzer.tables.schema import Column, Table
from dissectors.eas import status

ROOMY = 100  # columns from which on a name stands beside its meaning however long it is
NAMES = 18  # in a narrower window: longer names have a line of their own

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
            return _rule(rule.CODE, inspect.cleandoc(rule.__doc__ or ""), width)
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
    word = topic.lower()
    return _words(word, width) or _code(word, width) or _status(topic) or _value(word, width)


def contents(width: int = 100) -> str:
    """Everything that can be explained."""
    lines = ["Rules", *_entries(((rule.CODE, rule.TITLE) for rule in all_rules()), width)]
    lines += ["", "Tables (also TABLE.COLUMN, or just COLUMN, or a value)"]
    lines += _entries(((table.name, table.grain) for table in TABLES), width)
    headings = ", ".join(dict.fromkeys(heading.words[0] for heading in HEADINGS))
    lines += ["", "Headings of what is printed", *_wrapped(headings, width, "  ", "  ")]
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
    known += [word for heading in HEADINGS for word in heading.words]
    known += _all_codes()
    known += [f"{command} {code}" for command, codes in status.BY_COMMAND.items() for code in codes]
    return difflib.get_close_matches(topic, list(dict.fromkeys(known)), n=3, cutoff=0.6)


def _all_codes() -> list[str]:
    from dissectors.tls import reasons

    return [*CODES, *reasons.ANOMALIES, *reasons.WHY]


def _rule(code: str, docstring: str, width: int) -> str:
    """The docstring's title, headings and paragraphs, in this width."""
    title, *blocks = docstring.split("\n\n")
    pages = ["\n".join(_wrapped(title, width, f"{code}  ", " " * (len(code) + 2)))]
    for block in blocks:
        heading, _, text = block.partition("\n")
        pages.append("\n".join([heading, *_wrapped(inspect.cleandoc(text), width, "    ", "    ")]))
    return "\n\n".join(pages) + "\n"


def _table(table: Table, width: int) -> str:
    lines = [table.name, *_wrapped(table.meaning, width, "  ", "  "), ""]
    lines += _wrapped(f"One row is {table.grain}. Key: {', '.join(table.key)}.", width, "  ", "  ")
    meanings = ((c.name, f"{c.meaning}{' (personal)' if c.personal else ''}") for c in table.columns)
    lines += ["", *_entries(meanings, width)]
    return "\n".join(lines) + "\n"


def _column(table: Table, column: Column, width: int) -> str:
    lines = [f"{table.name}.{column.name}", *_wrapped(column.meaning, width, "  ", "  "), ""]
    kind = KINDS[column.kind]
    kind += "; may name a person, a device or a host: --pseudonymize replaces that" if column.personal else ""
    lines += _wrapped(f"Type: {kind}.", width, "  ", "  ")
    values = column.values
    if (table.name, column.name) == ("connections", "why_encrypted"):
        from dissectors.tls import reasons  # brings cryptography with it

        values = tuple(reasons.WHY.items())
    lines += _entries(values, width, "    ")
    return "\n".join(lines) + "\n"


def _words(word: str, width: int) -> str | None:
    """A heading with the columns that it is made from, and every column of that name, whichever its table."""
    pages: list[str] = []
    names: list[str] = []
    for heading in about(word):
        pages.append(_heading(heading, width))
        names += heading.columns
    columns = {f"{table.name}.{column.name}": (table, column) for table in TABLES for column in table.columns}
    names += [name for name, (_, column) in columns.items() if column.name == word]
    pages += [_column(*columns[name], width) for name in dict.fromkeys(names) if name in columns]
    return "\n".join(pages) or None


def _heading(heading: Heading, width: int) -> str:
    lines = [f"{heading.words[0]}  ({heading.of})", *_wrapped(heading.meaning, width, "  ", "  ")]
    if heading.columns:
        lines += _wrapped(f"Made from {listed(heading.columns, len(heading.columns))}.", width, "  ", "  ")
    return "\n".join(lines) + "\n"


def _value(word: str, width: int) -> str | None:
    """A value of a column: `silent`, `server side`, `RSTO`."""
    named = word.replace(" ", "_")
    pages = [
        "\n".join([f"{value}  (a value of {table.name}.{column.name})", *_wrapped(meaning, width, "  ", "  ")]) + "\n"
        for table in TABLES
        for column in table.columns
        for value, meaning in column.values
        if value.lower() in (word, named)
    ]
    return "\n".join(pages) or None


def _decode(key: str, width: int) -> str | None:
    """The keys of a line of `directpush decode --json`, or one of them."""
    from analyzer.decode.lines import KEYS

    if key:
        return "\n".join([f"decode.{key}", *_wrapped(KEYS[key], width, "  ", "  ")]) + "\n" if key in KEYS else None
    one = "One line of directpush decode --json is one request or one response."
    lines = ["decode", *_wrapped(one, width, "  ", "  "), "", *_entries(KEYS.items(), width)]
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


def _entries(entries: Iterable[tuple[str, str]], width: int, indent: str = "  ") -> Iterator[str]:
    """Names with their meanings beside them."""
    entries = list(entries)
    room = max((len(name) for name, _ in entries), default=0)
    if width < ROOMY:
        room = min(room, NAMES)
    beside = indent + " " * (room + 2)
    for name, meaning in entries:
        first = f"{indent}{name:<{room}}  "
        if len(name) > room:
            yield indent + name
            first = beside
        yield from _wrapped(meaning, width, first, beside)


def _wrapped(text: str, width: int, first: str, following: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )
