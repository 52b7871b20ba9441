"""Marks for differences between the engines that are known. Each fails as soon as it is no longer true.

`notimpl`: an engine has not got this, and it is worth having. `notyet`: it is being written. `never`: it cannot or
shall not agree, and the reason says why. A mark names the kind of difference and the fields as patterns (`fnmatch`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Literal

from analyzer.verify import Difference
from analyzer.verify.known import Fault


@dataclass(frozen=True)
class Mark:
    """Differences that are expected in one capture."""

    why: Literal["notimpl", "notyet", "never"]
    reason: str
    patterns: tuple[str, ...]  # "kind field"

    def covers(self, difference: Difference) -> bool:
        return any(fnmatch(f"{difference.kind} {difference.field}", pattern) for pattern in self.patterns)


def notimpl(reason: str, *patterns: str) -> Mark:
    return Mark("notimpl", reason, patterns)


def notyet(reason: str, *patterns: str) -> Mark:
    return Mark("notyet", reason, patterns)


def never(reason: str, *patterns: str) -> Mark:
    return Mark("never", reason, patterns)


def known(fault: Fault) -> Mark:
    """A fault of tshark that `directpush verify` knows too."""
    return never(fault.reason, *fault.patterns)


def unexplained(differences: Iterable[Difference], marks: Sequence[Mark]) -> list[str]:
    """Differences that no mark covers, and patterns of marks that cover none; empty when all is as it is said to be."""
    differences = list(differences)
    lines = [said(each) for each in differences if not any(mark.covers(each) for mark in marks)]
    for mark in marks:
        for pattern in mark.patterns:
            if not any(fnmatch(f"{each.kind} {each.field}", pattern) for each in differences):
                lines.append(f"no longer true, take it away: {mark.why}({mark.reason!r}, {pattern!r})")
    return lines


def said(difference: Difference) -> str:
    return (
        f"{difference.kind} {difference.place} frame {difference.frame}: {difference.field}: "
        f"builtin {difference.builtin}, tshark {difference.tshark} ({difference.why})"
    )
