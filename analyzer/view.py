"""What a report shows: tables, perhaps only of some devices, perhaps with tokens for names, and their verdict.

Findings and verdict are made anew from what is left, so that a report never tells more, or of others, than it shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from analyzer.findings.words import listed, no_device, plain
from analyzer.tables import read

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.analysis import Analysis
    from analyzer.findings.verdict import Verdict


# Not in the verdict where they only inform: it speaks of push.
UNSAID = frozenset(("DP131", "DP134", *(f"DP{number}" for number in range(140, 150))))


class NoSuchDevice(Exception):
    """No session is the one asked for. `message` and `hint` are one line each."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class View:
    """Tables with their verdict."""

    def __init__(self, analysis: Analysis, tables: Mapping[str, pd.DataFrame] | None = None) -> None:
        self._analysis = analysis
        self._cut = tables

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        return self._analysis.lazy if self._cut is None else self._cut

    @cached_property
    def verdict(self) -> Verdict:
        if self._cut is None:
            return self._analysis.verdict
        from analyzer.findings.verdict import build

        return build(self._cut, self._analysis.elapsed_s)

    @property
    def title(self) -> str:
        """The captures' names."""
        names = read.values(read.source(self.tables, "captures"), "capture")
        return f"Direct Push: {listed(plain(str(name).rsplit('/', 1)[-1]) for name in names if name is not None)}"

    def codes(self) -> list[str]:
        """The rules whose findings the verdict speaks of, worst first."""
        found = read.source(self.tables, "findings")
        pairs = zip(read.values(found, "code"), read.values(found, "severity"), strict=True)
        return list(dict.fromkeys(code for code, severity in pairs if severity != "info" or code not in UNSAID))

    def has_findings(self, level: str) -> bool:
        """Whether there is a finding at or above "warning" or "error"."""
        wanted = ("error",) if level == "error" else ("error", "warning")
        return bool(read.among(read.source(self.tables, "findings"), "severity", *wanted).any())

    def cut(self, devices: Sequence[str], *, pseudonymize: bool) -> View:
        """Only these devices, and tokens instead of names. Raises NoSuchDevice when none of them is there."""
        if not devices and not pseudonymize:
            return self
        from analyzer.findings import to_frame
        from analyzer.tables.pseudonyms import pseudonymized
        from analyzer.tables.select import only_sessions, sessions_of

        tables = self._analysis.tables()
        if devices:
            sessions = tables["sessions"]
            wanted = sessions_of(sessions, devices)
            if not wanted:
                raise NoSuchDevice(*no_device(devices, map(str, sessions["device_id"].dropna())))
            tables = only_sessions(tables, wanted)
        if pseudonymize:
            tables = pseudonymized(tables)
        tables["findings"] = to_frame(tables)
        return View(self._analysis, tables)
