"""Whether a certificate is for a host (RFC 9525 6.3, RFC 2818 3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Cover = Literal["exact", "wildcard"]


def covers(names: Iterable[str], host: str) -> Cover | None:
    """How names, which are lower case, cover a host; None: they do not. Wildcards stand for the whole first label."""
    wanted = host.lower().rstrip(".")
    first, _, rest = wanted.partition(".")
    wildcard = f"*.{rest}" if first and "." in rest else None
    found: Cover | None = None
    for name in names:
        if name == wanted:
            return "exact"
        if name == wildcard:
            found = "wildcard"
    return found


def is_wildcard(name: str) -> bool:
    """The name stands for several hosts."""
    return name.startswith("*.")
