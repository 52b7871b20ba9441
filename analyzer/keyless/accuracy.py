"""How good the inference is: captures are read with their keys, then without, and the two compared, wait by wait.

`python -m analyzer.keyless.accuracy DIR... [--slow TIMES]` takes every capture NAME.*.pcap (pcapng) in the directories
with its keys NAME.keys; captures that hold keys themselves are left out. A capture in which the keys show no
ActiveSync is a stranger: whatever is found in it is wrong. Both readings number connections and frames alike, so waits
are matched exactly, by the last frame of the request. `--slow` stretches the silences first: recordings made in a hurry
at the pace of real life.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.keyless.slowed import slow_down
from analyzer.keyless.strangers import SILENCE_S

if TYPE_CHECKING:
    from analyzer.analysis import Analysis

SAME_INTERVAL_S, SAME_INTERVAL_SHARE = 2.0, 0.03
KINDS = ("AEAD", "ChaCha20", "CBC")

Row = dict[str, Any]


@dataclass
class Tally:
    """Counts of one class of connections."""

    captures: set[str] = field(default_factory=set)
    waits: int = 0  # with keys
    long: int = 0  # of these, held for SILENCE_S or more
    found: int = 0  # without keys
    right: int = 0
    right_long: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)  # of the right ones: right, unknown, wrong
    deaths: int = 0
    deaths_found: int = 0
    deaths_right: int = 0
    deaths_unknown: int = 0
    intervals: int = 0  # of waits that ran out, where both readings have one
    intervals_right: int = 0

    def add(self, other: Tally) -> None:
        """Takes in another one's counts."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, mine | value if isinstance(value, set) else mine + value)


@dataclass
class Result:
    """Everything that was compared."""

    by_class: dict[tuple[str, str], Tally] = field(default_factory=dict)  # cipher kind, HTTP version
    strangers: dict[str, int] = field(default_factory=dict)  # capture without ActiveSync → waits found in it
    mistakes: list[str] = field(default_factory=list)

    def tally(self, *classes: tuple[str, str]) -> Tally:
        """The classes added up; all when none is named."""
        whole = Tally()
        for key in classes or tuple(self.by_class):
            whole.add(self.by_class.get(key, Tally()))
        return whole


def compare(capture: Path, keys: Path | None, result: Result, slowed: Path | None = None) -> None:
    """Reads one capture with its keys, and it, or its slowed copy, without."""
    from analyzer.analysis import analyze

    name = capture.name
    blind = analyze([slowed or capture])
    if keys is None or any(kind == "decrypted" for kind in blind.connections["decryption"]):
        return
    seeing = analyze([capture], keylog=[keys])
    if not len(seeing.sessions):
        if seeing.connections["decryption"].isin(["encrypted", "partial"]).any():
            return  # nobody knows what is in it
        result.strangers[name] = len(blind.heartbeats)
        return
    classes = _classes(seeing)
    truth, found = (_by_connection(analysis) for analysis in (seeing, blind))
    plain = {row["connection_id"] for row in _rows(blind.connections) if row["eas_evidence"] == "decoded"}
    for connection in sorted((truth.keys() | found.keys()) - plain):
        tally = result.by_class.setdefault(classes[connection], Tally())
        tally.captures.add(name)
        _count(name, truth.get(connection, []), found.get(connection, []), tally, result.mistakes)
        if slowed is not None:  # intervals cannot be compared then
            tally.intervals = tally.intervals_right = 0


def _count(name: str, truth: list[Row], found: list[Row], tally: Tally, mistakes: list[str]) -> None:
    tally.waits += len(truth)
    tally.long += sum((row["held_s"] or 0.0) >= SILENCE_S for row in truth)
    tally.found += len(found)
    tally.deaths += sum(row["died"] is True for row in truth)
    tally.deaths_found += sum(row["died"] is True for row in found)
    left = list(found)
    for row in truth:
        match = next((one for one in left if one["request_frame"] == row["request_frame"]), None)
        if match is None:
            mistakes.append(f"{name}: not found: {_words(row)}")
            continue
        left.remove(match)
        tally.right += 1
        tally.right_long += (row["held_s"] or 0.0) >= SILENCE_S
        said, true = match["outcome"], row["outcome"]
        word = "right" if said == true else "unknown" if "unknown" in (said, true) else "wrong"
        tally.outcomes[word] += 1
        tally.deaths_right += row["died"] is True and match["died"] is True
        tally.deaths_unknown += row["died"] is True and match["died"] is None
        if word == "wrong" or (match["died"] is True) > (row["died"] is True):
            mistakes.append(f"{name}: {_words(row)}, inferred {_words(match)}")
        if true == said == "expired" and row["requested_s"] and match["requested_s"]:
            tally.intervals += 1
            off = abs(row["requested_s"] - match["requested_s"])
            tally.intervals_right += off <= max(SAME_INTERVAL_S, SAME_INTERVAL_SHARE * row["requested_s"])
    mistakes += [f"{name}: no wait: {_words(row)}" for row in left]


def _words(row: Row) -> str:
    died = {True: "died", False: "", None: "?"}[row["died"]]
    return (
        f"connection {row['connection_id']}, frame {row['request_frame']}, {row['held_s']} s, {row['outcome']} {died}"
    )


def _by_connection(analysis: Analysis) -> dict[int, list[Row]]:
    """The waits with whether each died early."""
    ends = {row["heartbeat_id"]: row["premature"] for row in _rows(analysis.teardowns) if row["heartbeat_id"]}
    found: dict[int, list[Row]] = {}
    for row in _rows(analysis.heartbeats):
        row["died"] = ends.get(row["heartbeat_id"], False)
        found.setdefault(row["connection_id"], []).append(row)
    return found


def _classes(analysis: Analysis) -> dict[int, tuple[str, str]]:
    """Cipher kind and HTTP version of each connection."""
    versions = {row["connection_id"]: row["http_version"] for row in _rows(analysis.transactions)}
    found = {}
    for row in _rows(analysis.connections):
        cipher = str(row["tls_cipher"])
        kind = "CBC" if "_CBC" in cipher else "ChaCha20" if "CHACHA20" in cipher else "AEAD"
        found[row["connection_id"]] = (kind, versions.get(row["connection_id"]) or "1.1")
    return found


def _rows(frame: Any) -> list[Row]:
    """A table's rows with None for null."""
    return list(frame.astype(object).where(frame.notna(), None).to_dict("records"))


def captures(directories: Iterable[Path]) -> Iterator[tuple[Path, Path | None]]:
    """Every capture with its keys."""
    for directory in directories:
        for path in sorted(directory.iterdir()):
            if path.suffix in (".pcap", ".pcapng"):
                keys = directory / f"{path.name.split('.')[0]}.keys"
                yield path, keys if keys.exists() else None


def run(directories: Iterable[Path], slow: float = 1.0) -> Result:
    """Compares everything in some directories."""
    result = Result()
    with tempfile.TemporaryDirectory() as scratch:
        for path, keys in captures(directories):
            slowed = None
            if slow != 1.0:
                slowed = Path(scratch) / "slowed.pcap"
                slow_down(path, slowed, slow)
            compare(path, keys, result, slowed)
    return result


def markdown(result: Result, title: str) -> str:
    """The whole comparison."""
    head = (
        "captures", "waits", "found", "precision", "recall", "recall of long ones", "outcome right", "unknown", "wrong",
        "early deaths", "precision", "recall", "interval right",
    )  # fmt: skip
    lines = [f"### {title}", "", f"| | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for key in sorted(result.by_class):
        lines.append(_line(f"{key[0]}, HTTP/{key[1]}", result.by_class[key]))
    if result.strangers:  # without any there is nothing to tell
        found = sum(result.strangers.values())
        lines += ["", f"Captures without ActiveSync: {len(result.strangers)}; waits found in them: {found}."]
    lines.append("")
    return "\n".join(lines)


def _line(name: str, t: Tally) -> str:
    matched = sum(t.outcomes.values())
    cells = [
        len(t.captures), t.waits, t.found, _share(t.right, t.found), _share(t.right, t.waits),
        _share(t.right_long, t.long), *(_share(t.outcomes[word], matched) for word in ("right", "unknown", "wrong")),
        t.deaths, _share(t.deaths_right, t.deaths_found), _share(t.deaths_right, t.deaths),
        _share(t.intervals_right, t.intervals),
    ]  # fmt: skip
    return f"| {name} | {' | '.join(map(str, cells))} |"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m analyzer.keyless.accuracy", description="Inference against keys.")
    parser.add_argument("directories", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--slow", type=float, default=1.0, metavar="TIMES", help="stretch silences by this factor")
    parser.add_argument("--mistakes", action="store_true", help="list each")
    chosen = parser.parse_args(arguments)
    result = run(chosen.directories, chosen.slow)
    title = "As recorded" if chosen.slow == 1.0 else f"Silences {chosen.slow:g} times as long"
    print(markdown(result, title))
    if chosen.mistakes:
        print("\n".join(result.mistakes))
    return 1 if any(result.strangers.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
