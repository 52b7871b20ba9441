"""Value → token, numbered by kind in order of first sight, and where values are mentioned inside texts.

The same value gets the same token wherever it stands. Mentions are found in one walk over the pieces of a text, however
many values there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from analyzer.tables.agent_words import names_a_product

LONGEST_MENTION = 300  # characters

_PIECES = re.compile(r"\w+|\W")
_HOST = re.compile(r"(\*\.)?(.*?)(:\d{1,5})?", re.DOTALL)
_URL = re.compile(r"(\w+://)([^/?#]*)(.*)", re.DOTALL)
_DOMAIN = re.compile(  # three labels, which no file name has; or something in front of a domain that has its token
    r"(?<![\w.-])(?:(?:[a-z0-9-]+\.){2,}[a-z]{2,}|(?:[a-z0-9-]+\.)+host-\d+)(?![\w-])", re.IGNORECASE
)
_QUOTED = re.compile(r'"([^"]*)"')
_COMMA = re.compile(r"(?<!\\)([,+])")  # between the parts of a distinguished name, RFC 4514 2.2
_NUMBERED = re.compile(r"/?\d{0,6}")  # a path that says nothing about anybody
_DISTINCT = re.compile(r"(?=.*[^\W\d]).{4,}|\d{6,}", re.DOTALL)  # an id that is no number by chance
_COMMON = ("collection", "path", "word")  # kinds whose values may be "5" or "new", which a text does not mention
_OPEN_PATHS = {"/autodiscover/autodiscover.xml"}


class Tokens:
    """What was replaced so far."""

    def __init__(self) -> None:
        self._by_value: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._tree: dict[Any, Any] = {}  # piece of a value → the pieces that may follow; None → its token

    def token(self, value: str, stem: str) -> str:
        """The token of a value of which nothing may stay."""
        token = self._by_value.get(value)
        if token is None:
            self._count[stem] = number = self._count.get(stem, 0) + 1
            self._by_value[value] = token = f"{stem}-{number}"
            if stem not in _COMMON or (stem != "word" and _DISTINCT.fullmatch(value)):
                self._remember(value, token)
        return token

    def known(self, value: str) -> str:
        """Its token, if the whole value has one."""
        return self._by_value.get(value, value)

    def host(self, value: str) -> str:
        """A host name, perhaps with a wildcard before it or a port behind it. An address is no name."""
        if _is_address(value):
            return self.mentioned(value)
        match = _HOST.fullmatch(value)
        assert match is not None  # it fits any text
        name = match[2]
        if not name or _is_address(name):
            return self.mentioned(value)
        token = self.token(name.rstrip(".").lower() or name, "host")
        self._remember(name, token)
        return f"{match[1] or ''}{token}{match[3] or ''}"

    def url(self, value: str) -> str:
        """`httpu://fe1.corp.example:2883/42` becomes `httpu://host-1:2883/42`."""
        match = _URL.fullmatch(value)
        if match is None:
            return self.token(value, "url")
        behind = match[3] if _NUMBERED.fullmatch(match[3]) else f"/{self.token(match[3], 'path')}"
        return f"{match[1]}{self.host(match[2])}{behind}"

    def label(self, value: str) -> str:
        """What a certificate is called by: a host or anything else."""
        if "." in value and " " not in value:
            return self.host(value)
        token = self.token(value, "name")
        self._remember(value.lower(), token)
        return token

    def distinguished(self, value: str) -> str:
        """A distinguished name (RFC 4514): `CN=eas.lab.test,O=Lab` becomes `CN=host-1,O=name-1`; the country stays."""
        return "".join(part if part in (",", "+") else self._attribute(part) for part in _COMMA.split(value))

    def _attribute(self, part: str) -> str:
        kind, equals, value = part.partition("=")
        if kind == "C" or not (value if equals else kind):
            return part
        return f"{kind}={self.label(value)}" if equals else self.label(kind)

    def path(self, path: str) -> str:
        """`/exchange/anna/Inbox` becomes `/exchange/path-1`, `/index.html` stays."""
        first, slash, rest = path.removeprefix("/").partition("/")
        if path.lower() in _OPEN_PATHS or not rest:
            return self.mentioned(path)
        return f"/{self.mentioned(first)}{slash}{self.token(rest, 'path')}"

    def agent(self, text: str) -> str:
        """What a program or device calls itself, without words that may be somebody's name."""
        said = []
        for piece, is_token in self._walk(text):
            stays = is_token or not (piece[0].isalnum() or piece[0] == "_") or names_a_product(piece)
            said.append(piece if stays else self.token(piece, "word"))
        return "".join(said)

    def mentioned(self, text: str) -> str:
        """A text with every value that was replaced before replaced in it too."""
        return "".join(piece for piece, _ in self._walk(text))

    def told(self, text: str) -> str:
        """A sentence: likewise, and what it quotes or what looks like a host's name in it."""
        quoted = _QUOTED.sub(lambda match: f'"{self.label(match[1])}"', text)
        return _DOMAIN.sub(lambda match: self.host(match[0]), self.mentioned(quoted))

    def _remember(self, value: str, token: str) -> None:
        """Find the value inside texts too. A very long one stands in none, and would make every walk as long."""
        if len(value) > LONGEST_MENTION:
            return
        node = self._tree
        for piece in _PIECES.findall(value):
            node = node.setdefault(piece, {})
        node[None] = token

    def _walk(self, text: str) -> Iterator[tuple[str, bool]]:
        """The pieces of a text, and tokens in place of values. The longest value that fits wins; it begins and ends
        where a word does."""
        pieces = _PIECES.findall(text)
        place = 0
        while place < len(pieces):
            node: dict[Any, Any] | None = self._tree
            end, token = place, None
            for ahead in range(place, len(pieces)):
                node = node.get(pieces[ahead]) if node is not None else None
                if node is None:
                    break
                if None in node and not (_is_word(pieces, ahead + 1) and not _is_word(pieces, ahead)):
                    end, token = ahead + 1, node[None]
            if token is None or (_is_word(pieces, place - 1) and not _is_word(pieces, place)):
                yield pieces[place], False
                place += 1
            else:
                yield token, True
                place = end


def _is_word(pieces: list[str], place: int) -> bool:
    return 0 <= place < len(pieces) and (pieces[place][0].isalnum() or pieces[place][0] == "_")


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
