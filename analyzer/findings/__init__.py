"""Judgements: each rule reads the tables and says what they mean, with frames to look at and something to do.

A rule is one file in `rules/` with CODE, TITLE and `check(case)`; its docstring is the page that `directpush explain
CODE` prints. To add one, write the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from types import ModuleType

    import pandas as pd

    from analyzer.tables.builder import TableBuilder

Severity = Literal["info", "warning", "error"]
SettledBy = Literal["other_side", "behind_proxy", "server"]


class Finding(NamedTuple):
    """One row of the table `findings`; what each field means is said in the catalog."""

    code: str
    severity: Severity
    title: str  # one sentence, the answer
    detail: str  # why: counts, certainty, what was seen
    advice: str | None  # what to do
    session_id: object = None
    connection_id: object = None
    start: int | None = None  # ns
    end: int | None = None
    confidence: str | None = None  # proven, likely, possible, unknown
    frames: tuple[int, ...] = ()
    display_filter: str | None = None
    settled_by: SettledBy | None = None  # which further capture would settle what is open


def all_rules() -> tuple[ModuleType, ...]:
    """All rules, in the order of their codes."""
    from importlib import import_module
    from pkgutil import iter_modules

    from analyzer.findings import rules

    names = sorted(module.name for module in iter_modules(rules.__path__))
    return tuple(import_module(f"{rules.__name__}.{name}") for name in names)


def run(tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """What all rules find, worst first, and within a severity in the order of the rules."""
    from analyzer.findings.case import Case

    case = Case(tables)
    found = [finding for rule in all_rules() for finding in rule.check(case)]
    order = ("error", "warning", "info")
    return sorted(found, key=lambda finding: order.index(finding.severity))


def to_frame(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What all rules find, as the table `findings`."""
    return to_builder(tables).frame()


def to_builder(tables: Mapping[str, pd.DataFrame]) -> TableBuilder:
    """The same, not yet as pandas."""
    from analyzer.tables.builder import TableBuilder
    from analyzer.tables.catalog import findings

    builder = TableBuilder(findings.TABLE)
    for finding in run(tables):
        builder.append(tuple(getattr(finding, name) for name in builder.names))
    return builder
