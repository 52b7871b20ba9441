"""What is wrong with a chain, at the time of the capture and for the name that the client asked for.

Each problem is a word, a sentence and how sure it is. Whether it mattered to anybody is not asked here: that the
client's alert says, and the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from analyzer.certificates.chain import Built
from analyzer.certificates.names import covers, is_wildcard
from analyzer.certificates.reading import Certificate
from analyzer.texts import utc

RSA_BITS: Final = 2048  # at least; NIST SP 800-131A, CA/Browser Forum Baseline Requirements 6.1.5
DSA_BITS: Final = 2048
EC_BITS: Final = 224
WEAK_HASHES: Final = ("md2", "md5", "sha1")
CLOCK_IS_REAL_NS: Final = 852_076_800 * 10**9  # 1997: captures that seem older have no true times
NAMES_SAID: Final = 3


class Problem(NamedTuple):
    """One thing that is wrong."""

    kind: str
    detail: str  # a sentence without its full stop
    grade: str  # proven, likely, possible


def problems(built: Built, sent: int, host: str | None, first_ns: int, last_ns: int) -> list[Problem]:
    """All of them. `sent`: certificates sent; `first_ns`, `last_ns`: when the chain was shown."""
    leaf = built.path[0]
    return [
        *_of_chain(built, sent),
        *_of_names(leaf, host),
        *_of_time(built.path, first_ns, last_ns),
        *_of_strength(built.path),
    ]


def _of_chain(built: Built, sent: int) -> Iterator[Problem]:
    if built.end == "complete":
        return
    last, many = built.path[-1], "1 certificate was" if sent == 1 else f"{sent} certificates were"
    if built.end == "missing_intermediate":
        detail = f'{many} sent; that of "{last.label}" was issued by "{built.root}", whose certificate was not'
    elif built.end == "self_signed":
        detail = f'the certificate "{built.root}" was signed by nobody but itself'
    else:
        detail = f'the chain leads to "{built.root}", which is not among the roots that are known everywhere'
    yield Problem(built.end, detail, built.grade)


def _of_names(leaf: Certificate, host: str | None) -> Iterator[Problem]:
    names: Sequence[str] = leaf.names
    if not leaf.has_names:
        names = [leaf.common_name.lower()] if leaf.common_name else []
    how = covers(names, host) if host else None
    if host and how is None:
        yield Problem("name_mismatch", f"it was asked for {host} and is for {_listed(names)}", "proven")
    elif not leaf.has_names:
        detail = f"{_listed(names)} stands in it as common name only, and not as alternative name"
        yield Problem("common_name_only", detail, "proven")
    if how == "wildcard" or (not host and names and all(map(is_wildcard, names))):
        yield Problem("wildcard", f"it is for {_listed([name for name in names if is_wildcard(name)])}", "proven")


def _of_time(path: Iterable[Certificate], first_ns: int, last_ns: int) -> Iterator[Problem]:
    if first_ns < CLOCK_IS_REAL_NS:
        return
    for one in path:
        if one.not_after_ns < last_ns:
            yield Problem("expired", f'"{one.label}" was valid until {_day(one.not_after_ns)}', "proven")
        if one.not_before_ns > first_ns:
            yield Problem("not_yet_valid", f'"{one.label}" is valid only from {_day(one.not_before_ns)} on', "proven")


def _of_strength(path: Iterable[Certificate]) -> Iterator[Problem]:
    least = {"rsa": RSA_BITS, "dsa": DSA_BITS, "ec": EC_BITS}
    for one in path:
        if one.key_bits is not None and one.key_bits < least.get(one.key_type, 0):
            detail = f'the {one.key_type.upper()} key of "{one.label}" has only {one.key_bits} bits'
            yield Problem("weak_key", detail, "proven")
        if one.signature in WEAK_HASHES and not one.self_issued:  # a root's own signature protects nothing
            name = {"sha1": "SHA-1"}.get(one.signature, one.signature.upper())
            yield Problem("weak_signature", f'"{one.label}" is signed with {name}', "proven")


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "no host at all"
    rest = len(names) - NAMES_SAID
    return ", ".join(names[:NAMES_SAID]) + (f" and {rest} more" if rest > 0 else "")


def _day(ns: int) -> str:
    return f"{utc(ns)[:16]} UTC"
