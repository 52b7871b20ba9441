"""What many ends have in common: the same stranger's TTL, second, idle time, age or time of day.

One end says who; only several say why. In this order, so that what one explains is not counted for the next:

    the same TTL      RSTs that differ from their sender's other packets by one hop prove little one by one; when on one
                      path all of them differ alike, they have one sender, and it is not the one they name.
    the same second   devices that were cut together although they had been idle for different times: a restart, a
                      failover, a change of rules. Chance is ruled out by how often such ends come on their own.
    three clocks      an idle timer, a limit on age and a scheduled job all cut "regularly". The same one-threshold
                      model (`analyzer.timers`) is put to idle times and to ages, and the one that explains the ends
                      clearly better wins; the clock is asked when neither does. When idle and age do equally well, as
                      for a device that connects anew for every wait, the idle timer is said to be possible.
    too short         a silent end after less idleness than others survived is no timer's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, inf, log
from typing import Literal, NamedTuple

import numpy as np

from analyzer.timeline.attribution.weighing import Clue, Weights
from analyzer.timeline.columns import NS, seconds
from analyzer.timeline.evidence import Ending
from analyzer.timers.estimate import FEW, Estimate, Floats, estimate, observed
from dissectors.events import Connection

EACH_TIME = 1.0
SAME_MOMENT_S = 2.0
DEVICES = 3  # that are cut together
BY_CHANCE = 1e-3  # probability of so many in one moment, anywhere in the capture
SAME_IDLE = 0.1  # relative spread, or
SAME_IDLE_S = 2.0  # absolute one, within which idle times are the same
CLEARLY = 3.0  # logarithm of odds by which one clock must beat the other
IDLE_OR_AGE = "idle_or_age"  # kind of evidence: a limit on the age of connections explains the ends as well
CYCLES_S = ((3600.0, "hour"), (86_400.0, "day"))
SAME_CLOCK = 1 / 60  # of the cycle
EXACTLY_S, EXACTLY = 0.5, 0.01  # no user's doing: absolute and relative spread
SLACK_S = 1.0  # survivals and ends are measured by different packets

IDLENESS = ("idle_timeout", "proxy_timeout", "unknown")  # causes that may be an idle timer's


class End(NamedTuple):
    """One end with what it ended."""

    ending: Ending
    connection: Connection
    place: int  # of its wait in `Waits`
    session: int  # provisional; -1: none


class Death:
    """A premature end that may be due to idleness."""

    __slots__ = ("age_s", "connection", "ending", "idle_s")

    def __init__(self, ending: Ending, connection: Connection, idle_s: float) -> None:
        self.ending = ending
        self.connection = connection
        self.idle_s = idle_s
        self.age_s = seconds(ending.time_ns, connection.start_ns)


def deaths(ends: Iterable[End]) -> list[Death]:
    """The ends that may be an idle timer's work."""
    found = []
    for end in ends:
        ending = end.ending
        if ending.premature and ending.ended_by != "client" and ending.cause in IDLENESS and ending.idle_since_ns:
            idle_s = max(0.0, seconds(ending.time_ns, ending.idle_since_ns))
            found.append(Death(ending, end.connection, idle_s))
    return found


def same_stranger(ends: Sequence[End]) -> None:
    """RSTs that all differ in the same way from what their supposed senders send."""
    alike: dict[tuple[str, str, int | None], list[Ending]] = {}
    for end in ends:
        if end.ending.mechanism == "rst":
            key = (end.connection.client.ip, end.connection.server.ip, end.ending.named)
            alike.setdefault(key, []).append(end.ending)
    for group in alike.values():
        differ = [item["detail"] for ending in group for item in ending.evidence if item["kind"] == "rst_ttl_differs"]
        if len(group) < FEW or len(differ) != len(group) or len(set(differ)) > 1:
            continue
        frames = tuple(ending.end_frame for ending in group if ending.end_frame is not None)
        detail = f"all {len(group)} RSTs of this path differ so, none has its sender's usual TTL"
        clue = Clue("same_stranger", detail, frames[:10], Weights(middlebox=EACH_TIME))
        for ending in group:
            ending.weigh((clue,))
            if ending.ended_by == "middlebox" and ending.premature is None:
                ending.premature = True  # it was not the client's choice


def same_moment(ends: Sequence[End], joined: Sequence[int]) -> None:
    """Ends of several devices at one server within a moment. `joined`: provisional → joined session."""
    by_server: dict[tuple[str, int], list[End]] = {}
    for end in ends:
        ending, server = end.ending, end.connection.server
        if ending.premature and ending.timed and ending.ended_by != "client" and ending.mechanism != "http_error":
            by_server.setdefault((server.ip, server.port), []).append(end)
    for cut in by_server.values():
        cut.sort(key=lambda end: end.ending.time_ns)
        first = 0
        while first < len(cut):
            last = first
            while (
                last + 1 < len(cut) and cut[last + 1].ending.time_ns - cut[first].ending.time_ns <= SAME_MOMENT_S * NS
            ):
                last += 1
            group = cut[first : last + 1]
            if _is_mass(group, cut, joined):
                _say_mass(group)
                first = last + 1
            else:
                first += 1 + len(group) // 2  # the next moment overlaps this one; linear however many they are


def _is_mass(group: list[End], cut: list[End], joined: Sequence[int]) -> bool:
    devices = {(joined[end.session] if end.session >= 0 else -1, end.connection.client.ip) for end in group}
    if len(devices) < DEVICES:
        return False
    idle = [seconds(end.ending.time_ns, end.ending.idle_since_ns or end.ending.time_ns) for end in group]
    if max(idle) - min(idle) <= max(SAME_IDLE_S, SAME_IDLE * max(idle)):
        return False  # they began to wait together: a timer would end them together
    others = len(cut) - len(group)
    lasted = max(seconds(cut[-1].ending.time_ns, cut[0].ending.time_ns), SAME_MOMENT_S)
    expected = max(others, 1) * SAME_MOMENT_S / lasted if others else 0.0
    return len(cut) * _at_least(len(group), expected) < BY_CHANCE


def _at_least(number: int, expected: float) -> float:
    """Probability of so many or more events when so many are expected (Poisson)."""
    if expected <= 0:
        return 0.0
    term = exp(-expected)
    below = 0.0
    for n in range(number):
        below += term
        term *= expected / (n + 1)
    return max(0.0, 1.0 - below)


def _say_mass(group: list[End]) -> None:
    frames = [end.ending.end_frame for end in group]
    spread = seconds(group[-1].ending.time_ns, group[0].ending.time_ns)
    detail = f"{len(group)} connections of this server ended within {spread:.1f} s, after different idle times"
    for end in group:
        end.ending.says("same_moment", detail, *frames[:10])
        if end.ending.cause == "unknown":
            end.ending.cause = "mass_event"


def clocks(dead: Sequence[Death], survived_s: Floats, survived_ages_s: Floats, found: Estimate) -> bool:
    """Why the ends of one path came when they did. `found`: what the idle times say. True: by an idle timer, or that
    cannot be ruled out."""
    timed = [death for death in dead if death.ending.timed]
    if len(dead) < FEW:
        return True
    by_age = Estimate(low_s=None, high_s=None, confidence=None, gain=0.0)
    if len(timed) >= FEW:
        by_age = estimate(observed(survived=survived_ages_s, timed=[death.age_s for death in timed]))
    if by_age.confidence and by_age.gain > found.gain + CLEARLY:
        _say(timed, by_age, AGE, len(survived_ages_s))
        return False
    if not found.confidence:
        return not _scheduled(timed)
    equal = bool(by_age.confidence) and by_age.gain > found.gain - CLEARLY
    _say(dead, found, IDLE, len(survived_s), sure=not equal)
    return True


class Clock(NamedTuple):
    """What is measured of an end, and what it is called when it explains the ends of a path."""

    field: Literal["idle_s", "age_s"]
    cause: str
    kind: str  # of evidence
    word: str


IDLE = Clock("idle_s", "idle_timeout", "same_idle", "idle")
AGE = Clock("age_s", "maximum_age", "same_age", "old")


def _say(dead: Sequence[Death], found: Estimate, clock: Clock, survived: int, *, sure: bool = True) -> None:
    """Say of every end that the timer explains that it does."""
    low, high = found.low_s or 0.0, found.high_s if found.high_s is not None else inf
    reach = high + max(SAME_IDLE_S, SAME_IDLE * high)  # sweeps come a little late
    within = [
        death
        for death in dead
        if (at := getattr(death, clock.field)) >= low - SLACK_S and (at <= reach or not death.ending.timed)
    ]
    times = [getattr(death, clock.field) for death in within if death.ending.timed]
    if times:
        detail = f"{len(times)} connections ended {min(times):.1f} to {max(times):.1f} s {clock.word}"
    else:
        detail = f"all {len(within)} that were more than {low:.1f} s {clock.word} died"
    detail += f", {survived} others lived: a timer between {low:.1f} and {high:.1f} s explains them"
    if not sure:
        detail += "; so would a limit on the age of connections"
    frames = [death.ending.end_frame for death in within[:5]]
    for death in within:
        ending = death.ending
        if ending.cause == "unknown":
            ending.cause = clock.cause
            if not sure and ending.grade in ("likely", "proven"):
                ending.grade = "possible"
        if ending.cause in (clock.cause, "proxy_timeout"):
            ending.says(clock.kind if sure else IDLE_OR_AGE, detail, *frames)


def _scheduled(timed: Sequence[Death]) -> bool:
    """Ends at one time of the clock, in different cycles."""
    if len(timed) < FEW:
        return False
    at = np.array([death.ending.time_ns / NS for death in timed])
    idle = np.array([death.idle_s for death in timed])
    if idle.max() - idle.min() <= max(SAME_IDLE_S, SAME_IDLE * float(idle.max())):
        return False
    for cycle_s, word in CYCLES_S:
        if len(np.unique(at // cycle_s)) < FEW:
            continue
        turn = np.exp(2j * np.pi * at / cycle_s)
        middle = np.angle(turn.mean()) / (2 * np.pi) * cycle_s
        away = np.abs((at - middle + cycle_s / 2) % cycle_s - cycle_s / 2)
        # By chance all of n ends lie that close to one another with the probability of n - 1 hits.
        if away.max() <= SAME_CLOCK * cycle_s and (len(timed) - 1) * log(2 * SAME_CLOCK) < log(BY_CHANCE):
            detail = f"all {len(timed)} ends came at the same time of the {word}, after different idle times"
            for death in timed:
                if death.ending.cause == "unknown":
                    death.ending.cause = "scheduled"
                    death.ending.says("same_clock", detail, *[other.ending.end_frame for other in timed[:10]])
            return True
    return False


def too_short(dead: Sequence[Death], longest_survived_s: float | None) -> None:
    """Silent ends after less idleness than others survived; and those that nothing else explains."""
    silent = [death for death in dead if not death.ending.timed]
    longest = longest_survived_s if longest_survived_s is not None else 0.0
    for death in silent:
        if death.idle_s + SLACK_S < longest and death.ending.cause in ("idle_timeout", "unknown"):
            detail = f"another wait on this path lived through {longest:.1f} s, this one died by {death.idle_s:.1f} s"
            death.ending.cause = "unknown"
            death.ending.says("shorter_than_survived", detail)
    alike = [d for d in silent if d.ending.reconnected and d.ending.cause == "unknown" and d.idle_s > longest]
    if len(alike) >= 2 and len(alike) == len(silent):
        for death in alike:
            death.ending.cause, death.ending.grade = "idle_timeout", "possible"


def own_timer(ends: Iterable[End]) -> None:
    """Waits that the client's side itself dropped, always after the same idle time: no user does that. What speaks for
    the device at this capture point (a proxy) has a timer."""
    dropped: dict[tuple[str, str], list[tuple[float, Ending]]] = {}
    for end in ends:
        ending = end.ending
        own = (
            ending.ended_by == "client" and ending.premature is False and ending.cause in ("replaced", "endpoint_close")
        )
        if own and ending.timed and ending.idle_since_ns:
            idle_s = seconds(ending.time_ns, ending.idle_since_ns)
            key = (end.connection.client.ip, end.connection.server.ip)
            dropped.setdefault(key, []).append((idle_s, ending))
    for group in dropped.values():
        times = [idle_s for idle_s, _ in group]
        if len(group) < FEW or max(times) - min(times) > max(EXACTLY_S, EXACTLY * max(times)):
            continue
        detail = f"the client's side dropped {len(group)} waits, each after {min(times):.1f} to {max(times):.1f} s"
        for _, ending in group:
            ending.cause, ending.grade = "idle_timeout", "possible"
            ending.says("same_idle", detail, *[other.end_frame for _, other in group[:5]])


def left_over(ends: Iterable[End]) -> None:
    """What an endpoint did and no pattern explains, it did as endpoints do."""
    for end in ends:
        ending = end.ending
        if ending.ended_by == "server_side" and ending.timed and ending.cause == "unknown":
            ending.cause = "endpoint_close"
