"""Header fields that were seen before: a head is compared with an earlier one of its connection, not parsed again.

The heads of one sender differ in a few values only, such as Content-Length, Date and request-id. A `Template` is such a
head cut at those values. Which they are is partly known (`CHANGING`) and partly learned, from two heads with the same
names. What decides how a message is read (`DECIDING`) never changes within a template. Equal templates of different
connections are one object. A match gives what `heads.parse_fields` gives.
"""

import re
from collections.abc import Callable, Iterable

from dissectors.http.heads import FLEETING, MAX_LENGTH_DIGITS, UNSAID, Fields
from dissectors.http.redact import redactor

MAX_TEMPLATES = 4  # kept a connection and side, the latest first
MAX_TEMPLATE_BYTES = 4096  # of a head that becomes one
MAX_CHANGING = 8  # values in a template
MAX_READINGS = 4  # fields kept for the latest values of a template with one
MAX_VALUE_BYTES = 512  # of such a value
PATTERN_AFTER = 250  # matches with several new values, until a template is compiled
MAX_SHARED = 4096  # templates known to all connections

CHANGING = FLEETING | {"content-length"}
_LENGTH = f"([0-9]{{1,{MAX_LENGTH_DIGITS}}})"
_VALUE = f"([!-~][ -~]{{0,{MAX_VALUE_BYTES - 1}}}+)(?<! )"
DECIDING = frozenset(("content-type", "content-encoding", "transfer-encoding", "authorization"))


Pattern = Callable[[str], re.Match[str] | None]
Found = tuple[dict[str, str], str | None, int, str, int]  # `Fields`, and where the body begins


class Template:
    """One head's fields, from the CRLF before the first to the empty line, cut at the values that change."""

    __slots__ = (
        "_last",
        "_misses",
        "_names",
        "_parts",
        "_pattern",
        "_reach",
        "_readings",
        "_secret",
        "_values",
        "codings",
        "headers",
        "length",
        "names",
        "user",
    )

    def __init__(self, lines: list[bytes], fields: Fields, changing: Iterable[str]) -> None:
        self.headers, self.user, self.length, self.codings = fields
        self.names = tuple(self.headers)
        parts: list[bytes] = []
        values: list[bytes] = []
        changed: list[str] = []
        fixed = b""
        for name, line in zip(self.names, lines, strict=True):
            if name not in changing:
                fixed += b"\r\n" + line
                continue
            raw_name, _, value = line.partition(b":")
            fixed += b"\r\n" + raw_name + b":"
            parts.append(fixed)
            values.append(value)
            changed.append(name)
            fixed = b""
        self._parts = tuple(parts)
        self._values = values
        self._names = tuple(changed)
        self._secret = tuple((name, reduce) for name in changed if (reduce := redactor(name)))
        self._last = fixed + b"\r\n\r\n"
        self._reach = sum(map(len, parts)) + len(parts) * MAX_VALUE_BYTES + len(self._last)
        self._pattern: Pattern | None = None
        self._misses = 0  # matches with other values than before
        self._readings = {values[0]: fields} if len(values) == 1 else {}  # by the value that changes, mostly a length

    @property
    def key(self) -> tuple[object, ...]:
        """What two templates that match the same heads have in common."""
        return (self._last, *self._parts)

    @property
    def changing(self) -> set[str]:
        """The names of the fields that may change."""
        return set(self._names)

    @property
    def lines(self) -> list[bytes]:
        """The lines of the head that it was made of."""
        whole = b"".join(part + value for part, value in zip(self._parts, self._values, strict=True)) + self._last
        return whole[2:-4].split(b"\r\n")

    def match(self, data: bytes, position: int) -> Found | None:
        """The fields of the head whose start line ends at `position`, as in `Fields`, and where its body begins."""
        parts = self._parts
        if len(parts) == 1:
            return self._match_one(parts[0], data, position)
        if self._pattern is not None:
            return self._match_pattern(self._pattern, data, position)
        values: list[bytes] = []
        for part in parts:
            if not data.startswith(part, position):
                return None
            position += len(part)
            end = data.find(b"\r", position, position + MAX_VALUE_BYTES)
            values.append(data[position:end])
            position = end  # -1 when the value does not end: no part is short enough to match there
        if not data.startswith(self._last, position):
            return None
        fields = self._fields(values)
        if fields is None:
            return None
        if parts:
            self._misses += 1
            if self._misses == PATTERN_AFTER:
                self._pattern = self._compiled()
        headers, user, length, codings = fields
        return headers, user, length, codings, position + len(self._last)

    def _match_one(self, part: bytes, data: bytes, position: int) -> Found | None:
        """The same where one value changes: what its latest values came to is remembered."""
        if not data.startswith(part, position):
            return None
        start = position + len(part)
        end = data.find(b"\r", start, start + MAX_VALUE_BYTES)
        last = self._last
        if not data.startswith(last, end):  # nor when the value does not end, as above
            return None
        value = data[start:end]
        fields = self._readings.get(value)
        if fields is None:
            fields = self._fields([value])
            if fields is None:
                return None
            if len(self._readings) >= MAX_READINGS:
                self._readings.clear()
            self._readings[value] = fields
        headers, user, length, codings = fields
        return headers, user, length, codings, end + len(last)

    def _fields(self, values: list[bytes]) -> Fields | None:
        """What a head with these values says; None for values that need care."""
        headers = self.headers.copy()
        for name, raw in zip(self._names, values, strict=True):
            value = raw.decode("latin-1").strip(" \t")
            if not value.isprintable():
                return None
            headers[name] = value
        length = self.length
        if length >= 0:
            digits = headers["content-length"]
            if not digits.isdecimal() or len(digits) > MAX_LENGTH_DIGITS:
                return None
            length = int(digits)
        for name, reduce in self._secret:
            headers[name] = reduce(headers[name])
        return Fields(headers, self.user, length, self.codings)

    def _match_pattern(self, pattern: Pattern, data: bytes, position: int) -> Found | None:
        """The same in fewer steps."""
        match = pattern(data[position : position + self._reach].decode("latin-1"))
        if match is None:
            return None
        headers = self.headers.copy()
        for name, value in zip(self._names, match.groups()):  # noqa: B905 - the keyword costs as much as a turn
            headers[name] = value
        for name, reduce in self._secret:
            headers[name] = reduce(headers[name])
        length = int(headers["content-length"]) if self.length >= 0 else self.length
        return headers, self.user, length, self.codings, position + match.end()

    def _compiled(self) -> Pattern:
        """A pattern for such heads as have plain values. It takes as long to make as a hundred matches."""
        whole = ""
        for part, name in zip(self._parts, self._names, strict=True):
            whole += re.escape(part.decode("latin-1")) + r"[ \t]*+" + (_LENGTH if name == "content-length" else _VALUE)
        return re.compile(whole + re.escape(self._last.decode("latin-1"))).match


NOTHING = Template([], Fields({}, None, UNSAID, ""), ())  # for heads that are not kept
Templates = tuple[Template, ...]  # of one side of a connection
_shared: dict[tuple[object, ...], Template] = {}
_latest: list[Templates] = [(), ()]  # by side


def latest(side: int) -> Templates:
    """What was learned last on a side of any connection: the first head of another is often like it."""
    return _latest[side]


def learn(block: bytes, fields: Fields, known: Templates, side: int) -> tuple[Template, Templates]:
    """The template for a regular head of a side, and the known ones with it. `block` begins behind the start line and
    ends with the empty line; `fields` is what it says."""
    headers = fields.headers
    if not headers or len(block) > MAX_TEMPLATE_BYTES:
        return NOTHING, known
    lines = block[2:-4].split(b"\r\n")
    names = tuple(headers)
    changing = CHANGING.intersection(names)
    for other in known:
        if other.names == names:
            pairs = zip(names, lines, other.lines, strict=True)
            different = other.changing.union(name for name, line, known_line in pairs if line != known_line)
            if len(different) <= MAX_CHANGING and not different & DECIDING:
                changing = frozenset(different)
                known = tuple(template for template in known if template is not other)
                break
    made = Template(lines, fields, changing)
    if len(_shared) >= MAX_SHARED:
        _shared.clear()
    made = _shared.setdefault((side, *made.key), made)
    _latest[side] = (made, *[template for template in _latest[side] if template is not made][: MAX_TEMPLATES - 1])
    return made, (made, *known[: MAX_TEMPLATES - 1])
