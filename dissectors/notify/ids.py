"""Lists of subscription ids: `Subscription-ID: 1, 18, 243` (MSDN aa142950)."""

import re
from functools import lru_cache
from typing import Final

from dissectors.notify.oddity import Oddity

MAX_IDS: Final = 1024  # of one list
MAX_ID_CHARS: Final = 32

_USUAL: Final = re.compile(r"[0-9]{1,10}")
_ID: Final = re.compile(r"[!-~]+")

Ids = tuple[tuple[str, ...], Oddity | None]


@lru_cache(maxsize=4096)
def _parse_short(text: str) -> Ids:
    return _parse(text)


def parse_ids(text: str, code: str = "notify_bad_id") -> Ids:
    """The ids in their order, each once, and what was odd. An id that is no number is kept, if it is a word at all."""
    if _USUAL.fullmatch(text):
        return (text,), None
    ids, odd = _parse_short(text) if len(text) <= 64 else _parse(text)
    return ids, odd and odd._replace(code=code)


def _parse(text: str) -> Ids:
    found: dict[str, None] = {}
    odd = None
    for part in text.split(",", MAX_IDS + 1)[: MAX_IDS + 1]:
        word = part.strip(" \t\"'<>")
        if not word:
            continue
        if len(found) == MAX_IDS:
            odd = Oddity("notify_bad_id", f"more than {MAX_IDS} subscription ids in one list")
            break
        if not _USUAL.fullmatch(word):
            odd = Oddity("notify_bad_id", "a subscription id is no number")
            if len(word) > MAX_ID_CHARS or not _ID.fullmatch(word):
                continue
        found[word] = None
    return tuple(found), odd
