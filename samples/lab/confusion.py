"""What the analyzer says about each end of the lab's and the shared captures, against what happened.

`python -m samples.lab.confusion DIR [--markdown FILE]` reads the recordings in DIR and, where they lie beside the
repository, the shared captures; both capture points are judged. Exit code 1: somebody was accused wrongly, a timer's
interval misses the timer, or the cause is neither right nor "unknown" in more than 5 % of the ends.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from samples.lab import shared
from samples.lab.scenario import POINTS

Row = dict[str, Any]

ACCUSING = {"idle_timeout", "proxy_timeout", "maximum_age", "policy", "scheduled"}  # causes that blame a box
ALLOWED_WRONG = 0.05
FIELDS = ("mechanism", "ended_by", "cause", "premature")
SAYS_NOTHING = {"unknown", "capture_end", None}
SLACK_S = 0.3  # timers sweep, and an idle time ends a packet's way later at the other point


class Judged(NamedTuple):
    """One end: what happened, what was said, and how the two compare."""

    capture: str
    point: str
    fate: str
    port: int
    wanted: Row
    said: Row | None
    verdicts: dict[str, str]  # field → right, unknown, wrong, missing
    accused: bool  # a box is blamed that had no part in it


class Timer(NamedTuple):
    """One path's idle timer: the true one (None: there is none to be found) and what was said."""

    capture: str
    true_s: float | None
    low_s: float | None
    high_s: float | None
    behaviour: str | None
    deaths: int
    verdict: str  # right, wrong, "no timer claimed"


@dataclass
class Result:
    ends: list[Judged] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    strangers: list[tuple[str, int]] = field(default_factory=list)  # capture without ActiveSync, waits found in it
    surplus: list[tuple[str, Row]] = field(default_factory=list)  # premature deaths that nobody's diary knows

    @property
    def accusations(self) -> list[str]:
        """Wrong accusations of somebody's box, in words."""
        found = [f"{end.capture}, port {end.port}: {_said(end.said)}" for end in self.ends if end.accused]
        found += [f"{capture}: {_said(row)} is in nobody's diary" for capture, row in self.surplus]
        found += [f"{timer.capture}: {_interval(timer)}" for timer in self.timers if timer.verdict == "wrong"]
        return found

    def share(self, column: str, *verdicts: str) -> float:
        counted = [end.verdicts[column] in verdicts for end in self.ends]
        return sum(counted) / len(counted) if counted else 1.0

    @property
    def good(self) -> bool:
        return (
            not self.accusations
            and self.share("cause", "right", "unknown") >= 1 - ALLOWED_WRONG
            and not any(waits for _, waits in self.strangers)
        )


def judge(capture: Path, keys: Path | None, truth: Row, result: Result) -> None:
    """Analyses one capture and adds what was said about it, beside what happened."""
    from analyzer.analysis import analyze

    analysis = analyze([capture], keylog=[] if keys is None else [keys])
    point = shared.point_of(capture.name)
    if not truth["eas"]:
        result.strangers.append((capture.name, len(analysis.heartbeats)))
    ports = {row["connection_id"]: row["client_port"] for row in _rows(analysis.connections)}
    said = [{**row, "port": ports[row["connection_id"]]} for row in _rows(analysis.teardowns)]
    taken: set[int] = set()
    for end in sorted((e for e in truth["ends"] if e["point"] == point), key=lambda e: e["t"] or math.inf):
        wanted = truth["expected"].get(end["fate"], {}).get(point)
        if wanted is None:
            continue
        row = _find(end, said, taken)
        if row is not None:
            taken.add(row["teardown_id"])
        result.ends.append(_compare(capture.name, point, end, wanted, row))
    for row in said:
        if row["premature"] and row["teardown_id"] not in taken:
            result.surplus.append((capture.name, row))
    result.timers += _timers(capture.name, truth["middlebox"]["timers_s"].get(point), _rows(analysis.idle_timeouts))


def _find(end: Row, said: list[Row], taken: set[int]) -> Row | None:
    """The row about this end: same port, same sort, nearest in time."""
    error_page = end["fate"] == "http_error"
    rows = [row for row in said if row["port"] == end["port"] and row["teardown_id"] not in taken]
    alike = [row for row in rows if (row["mechanism"] == "http_error") == error_page]
    rows = alike or (rows if error_page else [])
    rows = [row for row in rows if (row["heartbeat_id"] is not None) == end["wait"]] or rows
    return min(rows, key=lambda row: abs(row["time"] - end["t"]) if end["t"] else 0.0, default=None)


def _compare(capture: str, point: str, end: Row, wanted: Row, row: Row | None) -> Judged:
    verdicts = {}
    for column in FIELDS:
        if row is None:
            verdicts[column] = "missing"
        elif column == "premature":
            right = wanted[column] is None or row[column] == wanted[column]
            verdicts[column] = "right" if right else "unknown" if row[column] is None else "wrong"
        elif row[column] in wanted[column].split("|"):
            verdicts[column] = "right"
        else:
            verdicts[column] = "unknown" if row[column] in SAYS_NOTHING else "wrong"
    accused = row is not None and (
        (row["ended_by"] == "middlebox" and "middlebox" not in wanted["ended_by"])
        or (row["cause"] in ACCUSING and verdicts["cause"] == "wrong")
    )
    return Judged(capture, point, end["fate"], end["port"], wanted, row, verdicts, accused)


def _timers(capture: str, true_s: float | None, rows: list[Row]) -> Iterator[Timer]:
    """A claim is an interval closed at both ends, or one that the survivals bound from below."""
    claimed = [row for row in rows if row["deaths"] and row["high_s"] is not None]
    for row in rows:
        low_s, high_s = row["low_s"] or 0.0, row["high_s"]
        if true_s is not None:
            inside = low_s - SLACK_S <= true_s <= (math.inf if high_s is None else high_s + SLACK_S)
            verdict = ("right" if high_s is not None else "no timer claimed") if inside else "wrong"
        else:
            verdict = "wrong" if row in claimed and row["deaths"] >= 3 else "no timer claimed"
        yield Timer(capture, true_s, row["low_s"], high_s, row["behaviour"], row["deaths"], verdict)
    if true_s is not None and not rows:
        yield Timer(capture, true_s, None, None, None, 0, "no timer claimed")


def _rows(frame: Any) -> list[Row]:
    """A table's rows with None for null and seconds for times."""
    frame = frame.astype(object).where(frame.notna(), None)
    return [
        {name: value.timestamp() if hasattr(value, "timestamp") else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def run(directory: Path | None, with_shared: bool = True) -> Result:
    """Everything there is, from both points."""
    result = Result()
    for file in sorted(directory.glob("*.truth.json")) if directory is not None else []:
        truth = json.loads(file.read_text())
        name = truth["scenario"]
        # Strangers are read without their keys: with them anybody can see that they are not ActiveSync.
        keys = file.with_name(f"{name}.keys") if truth["eas"] else None
        for point in POINTS:
            judge(file.with_name(f"{name}.{point}.pcap"), keys, truth, result)
    for capture in shared.CAPTURES if with_shared and shared.DIRECTORY.is_dir() else ():
        path = shared.DIRECTORY / capture
        judge(path, path.with_name(f"{capture.split('.')[0]}.keys"), shared.truth(capture), result)
    return result


# ------------------------------------------------------------------------------------------------------------ report


def markdown(result: Result) -> str:
    """The whole comparison as Markdown."""
    lines = ["## Ends of connections and waits", "", _summary(result), ""]
    for column in ("cause", "ended_by"):
        lines += [f"### {column}: what happened (rows), what was said (columns)", "", *_matrix(result, column), ""]
    lines += ["### By scenario", "", *_by_capture(result), "", "## Idle timers", "", *_timer_table(result), ""]
    lines += ["## Not ActiveSync, read without keys", "", "| capture | waits found |", "|---|---|"]
    lines += [f"| {capture} | {waits} |" for capture, waits in result.strangers]
    lines += ["", "## Wrong accusations", ""]
    lines += [f"- {words}" for words in result.accusations] or ["None."]
    lines += ["", "## What is wrong or missing", ""]
    lines += [f"- {words}" for words in _mistakes(result)] or ["Nothing."]
    return "\n".join(lines) + "\n"


def _summary(result: Result) -> str:
    parts = [f"{len(result.ends)} ends in {len({end.capture for end in result.ends})} captures."]
    for column in FIELDS:
        counted = Counter(end.verdicts[column] for end in result.ends)
        said = ", ".join(
            f"{counted[word]} {word}" for word in ("right", "unknown", "wrong", "missing") if counted[word]
        )
        parts.append(f"{column}: {said}.")
    right = result.share("cause", "right", "unknown")
    waits = [end for end in result.ends if end.fate not in ("closed", "cut")]
    known = sum(end.verdicts["cause"] == "right" for end in waits)
    timers = Counter(timer.verdict for timer in result.timers if timer.true_s is not None)
    parts.append(f"Of the {len(waits)} that were no plain closing, the cause of {known} was named.")
    parts.append(f"Intervals with the true timer inside: {timers['right']}, beside it: {timers['wrong']}.")
    parts.append("Right is the truth, or as much of it as that capture point can know (`expected` in the README).")
    return " ".join([*parts, f"Cause right or unknown: {right:.1%}. Wrong accusations: {len(result.accusations)}."])


def _matrix(result: Result, column: str) -> list[str]:
    cells = Counter(
        (end.wanted[column].split("|")[0], "(missing)" if end.said is None else str(end.said[column]))
        for end in result.ends
    )
    true, said = sorted({cell[0] for cell in cells}), sorted({cell[1] for cell in cells})
    lines = [f"| | {' | '.join(said)} |", "|---" * (len(said) + 1) + "|"]
    return lines + [f"| **{one}** | {' | '.join(str(cells[one, other] or '') for other in said)} |" for one in true]


def _by_capture(result: Result) -> list[str]:
    lines = ["| capture | fate | ends | mechanism | ended_by | cause | premature |", "|---|---|---|---|---|---|---|"]
    groups: dict[tuple[str, str], list[Judged]] = {}
    for end in result.ends:
        groups.setdefault((end.capture, end.fate), []).append(end)
    for (capture, fate), ends in groups.items():
        cells = []
        for column in FIELDS:
            counted = Counter(end.verdicts[column] for end in ends)
            cells.append(", ".join(word if len(counted) == 1 else f"{n} {word}" for word, n in counted.items()))
        lines.append(f"| {capture} | {fate} | {len(ends)} | {' | '.join(cells)} |")
    return lines


def _timer_table(result: Result) -> list[str]:
    lines = ["| capture | true timer | said | |", "|---|---|---|---|"]
    for timer in result.timers:
        true = "none to be found" if timer.true_s is None else f"{timer.true_s:g} s"
        lines.append(f"| {timer.capture} | {true} | {_interval(timer)} | {timer.verdict} |")
    return lines


def _mistakes(result: Result) -> Iterator[str]:
    for end in result.ends:
        odd = [column for column in FIELDS if end.verdicts[column] in ("wrong", "missing")]
        if odd:
            wanted = ", ".join(f"{column} {end.wanted[column]}" for column in FIELDS)
            yield f"{end.capture}, port {end.port}, {end.fate}: {_said(end.said)}; wanted {wanted}"


def _said(row: Row | None) -> str:
    return "nothing was said" if row is None else "said " + ", ".join(f"{column} {row[column]}" for column in FIELDS)


def _interval(timer: Timer) -> str:
    if timer.low_s is None and timer.high_s is None:
        return "nothing"
    low = "?" if timer.low_s is None else f"{timer.low_s:.1f}"
    high = "" if timer.high_s is None else f" to {timer.high_s:.1f}"
    return f"{'above ' if not high else ''}{low}{high} s ({timer.behaviour or 'no death'}, {timer.deaths} deaths)"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m samples.lab.confusion", description="The confusion matrix.")
    parser.add_argument("directory", type=Path, nargs="?", help="where `record` put its recordings")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it there as well")
    parser.add_argument("--no-shared", action="store_true", help="leave the shared captures out")
    chosen = parser.parse_args(arguments)
    result = run(chosen.directory, with_shared=not chosen.no_shared)
    text = markdown(result)
    print(text, end="")
    if chosen.markdown:
        chosen.markdown.write_text(text)
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
