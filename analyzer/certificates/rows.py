"""What was collected → rows of `certificates`, in order of time: every certificate is read, every chain judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from analyzer.certificates.alerts import NAMES
from analyzer.certificates.chain import Built, build
from analyzer.certificates.collector import Chain, Key, Shown
from analyzer.certificates.judging import Problem, problems
from analyzer.certificates.reading import Certificate, read
from analyzer.certificates.roots import Roots, public_roots
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import certificates

LATEST_NS: Final = 2**63 - 1  # a time column holds no later time


def rows(collected: Mapping[Key, Shown], roots: Roots | None = None) -> TableBuilder:
    """The table. `roots`: those that are known everywhere; certifi's when None."""
    builder = TableBuilder(certificates.TABLE)
    distinct = {der: read(der) for *_, chain in collected for der in chain}
    authorities: dict[bytes, list[Certificate]] = {}
    for one in distinct.values():
        if one is not None and one.is_ca:
            authorities.setdefault(one.subject_der, []).append(one)
    built: dict[Chain, Built] = {}
    ordered = sorted(collected.items(), key=lambda item: (item[1].first_ns, item[1].first_frame))
    for number, (key, shown) in enumerate(ordered, 1):
        *_, name, chain = key
        leaf = distinct[chain[0]] if chain else None
        if leaf is not None and chain not in built:
            sent = [found for der in chain if (found := distinct[der]) is not None]
            built[chain] = build(sent, roots or public_roots(), shown.first_ns, authorities)
        way = built.get(chain)
        wrong = problems(way, len(chain), name, shown.first_ns, shown.last_ns) if way else []
        builder.append((number, *key[:3], *_of_leaf(leaf), *_of_chain(chain, way, wrong), *_of_shown(shown)))
    return builder


def _of_leaf(leaf: Certificate | None) -> tuple[object, ...]:
    if leaf is None:
        return (None,) * 10
    return (
        leaf.subject,
        list(leaf.names),
        leaf.issuer,
        _time(leaf.not_before_ns),
        _time(leaf.not_after_ns),
        leaf.key_type,
        leaf.key_bits,
        leaf.signature,
        leaf.fingerprint,
        leaf.fetch_url,
    )


def _time(ns: int) -> int | None:
    """None: a time column cannot hold it."""
    return ns if abs(ns) < LATEST_NS else None


def _of_chain(chain: Chain, built: Built | None, wrong: Sequence[Problem]) -> tuple[object, ...]:
    if not chain:
        return (None, "not_seen", None, [])
    if built is None:
        return (len(chain), "unreadable", None, [])
    return (len(chain), built.end, built.root, [problem._asdict() for problem in wrong])


def _of_shown(shown: Shown) -> tuple[object, ...]:
    return (
        list(shown.versions),
        shown.connections,
        shown.refusals.total(),
        shown.abandoned,
        _told(shown.refusals),
        _told(shown.hello_alerts),
        shown.client_certificates,
        _told(shown.client_refusals),
        sorted(shown.frames),
        sorted(shown.client_frames),
        shown.first_ns,
        shown.last_ns,
        shown.connection_id,
        shown.first_frame,
    )


def _told(alerts: Counter[int]) -> list[dict[str, object]]:
    """Most frequent first."""
    return [
        {"alert": alert, "name": NAMES[alert], "times": times}
        for alert, times in sorted(alerts.items(), key=lambda item: (-item[1], item[0]))
    ]
