"""The verdict over all paired connections: the answer first, then why, what to do, and what was not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyzer.findings.words import counted, listed, of_all, plain, span, spans
from analyzer.pair.exchanges import RelayedExchange
from analyzer.pair.pairing import Pair, Pairing
from analyzer.pair.words import story

Severity = Literal["ok", "info", "warning", "error"]
NS = 1e9
STORIES = 3  # that are told without --verbose


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What `directpush pair` says."""

    headline: str
    severity: Severity
    reasons: tuple[str, ...]
    advice: tuple[str, ...]
    clock: str
    unseen: tuple[str, ...]


def summarise(pairing: Pairing) -> Summary:
    """The verdict of two captures."""
    between = _by(pairing, "between")
    path = _by(pairing, "path")
    made = [one for one in pairing.relayed.found if one.fate == "made"]
    late = [one for one in pairing.pairs if one.signs.late is not None and one.ending.by == "device"]
    lost = [one for one in pairing.pairs if one.ending.undelivered and one.ending.by in ("device", "server", "both")]
    headline, severity = _headline(pairing, len(between), len(made), len(path) + len(late))
    reasons = [*_between(pairing, between), *_path(path), *_made(pairing)]
    if late:
        reasons.append(
            f"{_upper(of_all(len(late), len(pairing.pairs), 'connection'))} {_was(len(late))} given up by the device "
            f"while the server's answer was lost on the way. {story(late[0])}"
        )
    if lost and not reasons:
        reasons += [story(one) for one in lost[:STORIES]]
    reasons += _ends(pairing)
    reasons += _changes(pairing)
    return Summary(
        headline=headline,
        severity=severity,
        reasons=tuple(dict.fromkeys(reasons)),
        advice=tuple(_advice(pairing, between, made)),
        clock=clock_words(pairing),
        unseen=tuple(_unseen(pairing)),
    )


def _by(pairing: Pairing, by: str) -> list[Pair]:
    return [one for one in pairing.pairs if one.ending.by == by]


def _headline(pairing: Pairing, between: int, made: int, path: int) -> tuple[str, Severity]:
    if not pairing.pairs and not pairing.relayed.found:
        return "These captures have no connection in common.", "warning"
    if between:
        return "Connections are cut between the two captures.", "error"
    if made:
        return "Something between the two captures answers for the server.", "error"
    if path:
        return "Packets are lost between the two captures.", "warning"
    if any(one.ending.undelivered for one in pairing.pairs):
        return "Nothing between the two captures cut a connection, but the end of one never arrived.", "info"
    return "Nothing between the two captures cuts connections.", "ok"


def _between(pairing: Pairing, between: Sequence[Pair]) -> list[str]:
    if not between:
        return []
    kinds: dict[str, list[Pair]] = {}
    for one in between:
        kinds.setdefault(_kind(one), []).append(one)
    words = [text if len(kinds) == 1 else f"{len(ones)} {text}" for text, ones in kinds.items()]
    waiting = sum(one.pending is not None for one in between)
    held = f" {_upper(of_all(waiting, len(between)))} held a request that had no answer yet." if waiting else ""
    told = f"{_upper(of_all(len(between), len(pairing.pairs), 'connection'))} {_was(len(between))} ended there: "
    said = [f"{told}{'; '.join(words)}.{held}"]
    for ones in kinds.values():
        more = f" {_upper(counted(len(ones) - 1, 'more such connection'))}: --verbose." if len(ones) > 1 else ""
        said.append(story(ones[0]) + more)
    return [*said, *_timer(pairing)]


def _kind(one: Pair) -> str:
    ending = one.ending
    if one.kind == "relayed":
        return "closed by a proxy that ends TCP for both sides"
    if ending.how == "silent":
        return "dropped without a word to anybody"
    to = "both sides" if len(ending.towards) == 2 else f"the {ending.towards[0]} alone"
    if ending.forgotten:
        return f"forgotten, and late packets answered with RST (to {to})"
    return f"reset by somebody who is neither device nor server (to {to})"


def _timer(pairing: Pairing) -> list[str]:
    timer = pairing.timer
    if timer is None:
        return []
    counts = f"({counted(timer.deaths, 'death')}, {counted(timer.survivals, 'survival')})"
    if timer.clock == "age":
        return [
            f"All of them ended at the age of {span(timer.high_s)}, whatever the silence before: "
            f"a maximum age {counts}."
        ]
    if timer.clock == "none":
        return [
            f"No single idle timer explains that: longer silences than theirs were survived, or theirs differ {counts}."
        ]
    if timer.sharp:
        return [
            f"An idle timer between the points: more than {span(timer.low_s)}, at most {span(timer.high_s)} of silence "
            f"{counts}."
        ]
    return [
        f"An idle timer between the points: {span(timer.low_s)} of silence got through, {span(timer.high_s)} did not "
        f"{counts}. It lies between."
    ]


def _path(path: Sequence[Pair]) -> list[str]:
    return [story(one) for one in path[:STORIES]]


def _made(pairing: Pairing) -> list[str]:
    found = pairing.relayed.found
    if not found:
        return []
    said = [
        f"{counted(len(found), 'request')} went through something that ends the device's connections and makes its "
        "own: the same content on other connections."
    ]
    made = [one for one in found if one.fate == "made"]
    if made:
        status = Counter(one.device.status for one in made).most_common(1)[0][0]
        waited = sorted((one.device.answer_ns or 0) - one.device.start_ns for one in made)
        hung = sum(one.hung_up == "between" for one in made)
        closed = sum(one.hung_up == "server" for one in made)
        why = [f"{hung} that it hung up on itself"] if hung else []
        why += [f"{closed} that the server had closed without an answer"] if closed else []
        said.append(
            f"{_upper(of_all(len(made), len(found)))} got an answer that the server never gave: HTTP {status} after "
            f"{spans(waited[0] / NS, waited[-1] / NS)}, made between the points for "
            f"{' and '.join(why) or 'requests that the server had not answered'} (frame {made[0].device.answer_frame} "
            f"of the device's capture, request in frame {made[0].server.frame} of the server's)."
        )
    missing = [one for one in found if one.fate == "undelivered"]
    if missing:
        said.append(
            f"{counted(len(missing), 'answer')} of the server never got to the device, the first in frame "
            f"{missing[0].server.answer_frame} of the server's capture."
        )
    if pairing.relayed.only_device:
        said.append(
            f"{counted(len(pairing.relayed.only_device), 'request')} of the device "
            f"{_was(len(pairing.relayed.only_device))} not passed on to the server that was captured."
        )
    return said


def _ends(pairing: Pairing) -> list[str]:
    """Who ended the other connections."""
    words = {"device": "closed by the device", "server": "closed by the server", "both": "closed by both at once",
             "nobody": "still open at the end", "unknown": "of unknown end"}  # fmt: skip
    silent = [one for one in pairing.pairs if one.ending.how == "silent" and one.ending.by in ("device", "server")]
    counts = Counter(one.ending.by for one in pairing.pairs if one.ending.by in words and one not in silent)
    said = [story(one) for one in silent[:STORIES]]
    if counts:
        parts = [f"{count} {words[by]}" for by, count in counts.most_common()]
        said.append(f"{'The others: ' if len(counts) and _cut(pairing) else 'Connections: '}{listed(parts, 5)}.")
    waited = [one for one in pairing.pairs if one.ending.by == "device" and one.signs.asked is not None
              and one.pending is not None and one.signs.late is None]  # fmt: skip
    if waited:
        said.append(story(waited[0]))
    return said


def _cut(pairing: Pairing) -> bool:
    return any(one.ending.by in ("between", "path") for one in pairing.pairs)


def _changes(pairing: Pairing) -> list[str]:
    """What the path rewrites, beyond addresses and TTL."""
    changed: Counter[str] = Counter()
    for one in pairing.pairs:
        for flow in one.comparison.flows:
            changed.update(flow.changed.keys())
        changed.update(["initial sequence numbers"] if one.kind == "renumbered" else [])
        changed.update(_options(one))
    names = {"window": "windows", "ip_id": "IP identifications", "payload": "payload", "reset": "RSTs"}
    words = [names.get(what, what) for what, _ in changed.most_common()]
    return [f"Rewritten on the way: {listed(words, 6)}."] if words else []


def _options(one: Pair) -> list[str]:
    found = []
    for flow in one.comparison.flows:
        near = one.comparison.near(flow.side).rows.options.get(flow.side)
        far = one.comparison.far(flow.side).rows.options.get(flow.side)
        if one.kind == "relayed" or near is None or far is None:
            continue
        if near.mss != far.mss:
            found.append(f"MSS {near.mss or 'none'} → {far.mss or 'none'}")
        gone = [name.replace("_", " ") for name in near.names if name not in far.names]
        found += [f"TCP option {name} taken away" for name in gone]
    return found


def _advice(pairing: Pairing, between: Sequence[Pair], made: Sequence[RelayedExchange]) -> list[str]:
    said = []
    if between:
        relayed = all(one.kind == "relayed" for one in between)
        what = "the proxy or load balancer" if relayed else "the firewall, NAT or load balancer"
        timer = pairing.timer
        todo = "raise its idle timer to 30 min" if timer is None or timer.clock == "idle" else "see what ends them"
        said.append(f"Neither the devices nor the server: look at {what} between the two captures, and {todo}.")
        if timer is not None and timer.clock == "idle" and timer.low_s >= 1:  # else nothing is known to get through
            said.append(f"Until then set the server's maximum heartbeat to {span(int(timer.low_s))} or less.")
    hung = sum(one.hung_up == "between" for one in made)
    if len(made) > hung:
        said.append("See why the server closed without an answer: the proxy only passed that on.")
    if hung:
        said.append("Raise the time that the proxy gives its server above the longest heartbeat.")
    return said


def clock_words(pairing: Pairing) -> str:
    """How the clocks compare, and how sure that is."""
    clock = pairing.clock
    if not clock.pairs_up and not clock.pairs_down:
        return "Clocks: nothing to compare them by."
    if not clock.known:
        return "Clocks: only one direction is in both captures, so the order of events at the two points is not known."
    error = _fine(clock.error_ns)
    text = (
        f"Clocks: the server's capture is {_fine(abs(clock.offset_ns))} {'ahead' if clock.offset_ns > 0 else 'behind'}"
    )
    if abs(clock.offset_ns) <= clock.error_ns:
        text = "Clocks: both agree"
    text += f", within {error} (from {counted(clock.pairs_up + clock.pairs_down, 'packet')})"
    if clock.drift_known and clock.drift_error is not None:
        ppm, width = clock.drift * 1e6, clock.drift_error * 1e6
        text += f"; drift {ppm:+.1f} ppm within {max(width, 0.1):.1f}" if abs(ppm) > width else "; no drift"
    if not clock.fits:
        text += "; one of them was set or jumps during the capture, so that is the error"
    return f"{text}. What is closer together at the two points was not put in order."


def _unseen(pairing: Pairing) -> list[str]:
    said = []
    for name, connections, point in (
        ("device", pairing.only_device, pairing.points[0]), ("server", pairing.only_server, pairing.points[1])
    ):  # fmt: skip
        place = 0 if name == "device" else 1
        relayed = {(one.device, one.server)[place].connection_id for one in pairing.relayed.found}
        connections = [one for one in connections if one.connection_id not in relayed]
        if connections:
            hosts = Counter(plain(one.server.ip) for one in connections)
            said.append(
                f"Only in the {name}'s capture: {counted(len(connections), 'connection')} "
                f"(to {listed([host for host, _ in hosts.most_common()])})."
            )
        if point.left_out:
            said.append(
                f"{point.left_out:,} connections and requests of the {name}'s capture were too many to compare."
            )
    cut = sum(not one.whole for one in pairing.pairs)
    if cut:
        said.append(f"{counted(cut, 'connection')} had more packets than are compared.")
    if pairing.left_out:
        said.append(f"{counted(pairing.left_out, 'connection')} more are in both captures and were not compared.")
    for place, name in enumerate(("device", "server")):
        missing = sum(one.signs.missing[place] for one in pairing.pairs)
        if missing:
            said.append(
                f"The {name}'s capture lacks {counted(missing, 'packet')} that did pass there; "
                "what rests on its silence is said to be likely, not proven."
            )
    return said


def _fine(nanoseconds: float) -> str:
    """12 µs, 3.4 ms, 1.25 s, 2 h 0 min."""
    if nanoseconds < 1e6:
        return f"{max(nanoseconds, 1e3) / 1e3:.0f} µs"
    if nanoseconds < 1e9:
        return f"{nanoseconds / 1e6:.1f} ms"
    return f"{nanoseconds / 1e9:.3f} s" if nanoseconds < 60e9 else span(nanoseconds / NS)


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _upper(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
