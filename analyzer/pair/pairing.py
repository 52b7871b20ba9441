"""The main job of `directpush pair` as one call: two captures and keys in, paired connections and their ends out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from analyzer.findings.words import counted
from analyzer.pair import match as matching
from analyzer.pair.clocks import Clock, align
from analyzer.pair.endings import Around, Ending, judge
from analyzer.pair.exchanges import Relayed, relayed_exchanges
from analyzer.pair.lined import Kind, Lined, line_up
from analyzer.pair.match import By, Match
from analyzer.pair.points import Exchange, Point, by_connection, read_point
from analyzer.pair.rows import Rows, read_rows
from analyzer.pair.segments import BOTH, Comparison, clock_pairs, compare
from analyzer.pair.signs import Signs, Trust, missing_of, read_signs
from analyzer.pair.timer import Timer, timer_of
from analyzer.reading import BLOCK_BYTES, Progress
from analyzer.secrets import read_keys
from analyzer.trouble import PathLike, Trouble
from dissectors.events import CLIENT, SERVER, Connection

MAX_PAIRS = 10_000  # connections that are compared packet by packet
MAX_SEEDS = 20_000  # connections without a common ClientHello that are looked at
SPLIT_HINT = "they are left out; compare a shorter time or fewer devices"


@dataclass(slots=True)
class Pair:
    """One connection at both points."""

    device: Connection
    server: Connection
    by: By
    kind: Kind
    comparison: Comparison
    signs: Signs
    ending: Ending
    pending: Exchange | None  # the request that had no answer when it ended
    whole: bool  # False: it had more packets than were compared


@dataclass(slots=True)
class Pairing:
    """What two captures say together."""

    points: tuple[Point, Point]
    clock: Clock
    pairs: list[Pair]
    relayed: Relayed  # requests whose connections are not the same: something in between ends TLS
    only_device: list[Connection]
    only_server: list[Connection]
    timer: Timer | None
    left_out: int  # matched connections beyond the limit
    warnings: list[Trouble] = field(default_factory=list)


def pair(
    device_side: PathLike,
    server_side: PathLike,
    keylog: Iterable[PathLike] = (),
    *,
    rsa_key: Iterable[PathLike] = (),
    rsa_password: str | None = None,
    block_bytes: int = BLOCK_BYTES,
    progress: Progress | None = None,
) -> Pairing:
    """Compares two captures of the same connections. Raises AnalyzeError when one of them cannot be read (twice)."""
    warnings: list[Trouble] = []
    keys = read_keys(list(keylog), list(rsa_key), rsa_password, warnings)
    points = (
        read_point(device_side, keys, progress, block_bytes),
        read_point(server_side, keys, progress, block_bytes),
    )
    warnings += [trouble for point in points for trouble in point.troubles]
    matches = _matches(points, block_bytes, warnings)
    kept = matches[:MAX_PAIRS]
    rows = [
        read_rows(point.name, [m.at(place) for m in kept], block_bytes=block_bytes)
        for place, point in enumerate(points)
    ]
    lined = [line_up(device, server) for device, server in zip(*rows, strict=True)]
    apart = relayed_exchanges(points, matches)
    clock = _clock(lined, apart)
    apart.judge(clock)
    compared = [compare(device, server, kind, shifts, clock, points) for device, server, kind, shifts in lined]
    pairs = _judged(points, kept, compared, clock, rows)
    return Pairing(
        points=points,
        clock=clock,
        pairs=pairs,
        relayed=apart,
        only_device=matching.unmatched(points[0].connections, matches, 0),
        only_server=matching.unmatched(points[1].connections, matches, 1),
        timer=timer_of([(one.comparison, one.ending) for one in pairs]),
        left_out=len(matches) - len(kept),
        warnings=warnings,
    )


def _matches(points: tuple[Point, Point], block_bytes: int, warnings: list[Trouble]) -> list[Match]:
    """The connections that are in both captures, in order of the device side's; limits that were reached are said."""
    found, alike = matching.by_random(points[0].connections, points[1].connections)
    left = [matching.unmatched(point.connections, found, place) for place, point in enumerate(points)]
    if all(left):
        for own, point in zip(left, points, strict=True):
            if len(own) > MAX_SEEDS:
                beyond = counted(len(own) - MAX_SEEDS, "connection")
                warnings.append(Trouble(f"{point.name}: {beyond} more than are looked for elsewhere", SPLIT_HINT))
        seeds: list[matching.Seeds] = [
            list(
                zip(own, read_rows(point.name, own, most_each=matching.SEED_ROWS, block_bytes=block_bytes), strict=True)
            )
            for own, point in zip([own[:MAX_SEEDS] for own in left], points, strict=True)
        ]
        for way in (matching.by_numbers, matching.by_content):
            fresh = way(*seeds)
            found += fresh.matches
            alike |= fresh.alike
            seeds = [matching.still_left(own, fresh.matches, place) for place, own in enumerate(seeds)]
    alike &= {connection.connection_id for connection in matching.unmatched(points[0].connections, found, 0)}
    if alike:
        lost = f"{counted(len(alike), 'connection')} share too much with too many others to be told apart"
        warnings.append(Trouble(f"{points[0].name}: {lost}", SPLIT_HINT))
    return sorted(found, key=lambda one: one.device.connection_id)


def _clock(lined: Sequence[tuple[Lined, Lined, Kind, tuple[int, int]]], apart: Relayed) -> Clock:
    """From the packets of all connections, and from requests that were passed on."""
    columns: list[list[np.ndarray[tuple[int], np.dtype[np.int64]]]] = [[], []]
    for side in (CLIENT, SERVER):
        device_times, server_times = [apart.times[side][:, 0]], [apart.times[side][:, 1]]
        for device, server, kind, _ in lined:
            pairs = np.array(clock_pairs(device, server, kind, side), np.int64).reshape(-1, 2)
            device_times.append(device.rows.time_ns[pairs[:, 0]])
            server_times.append(server.rows.time_ns[pairs[:, 1]])
        columns[side] = [np.concatenate(device_times), np.concatenate(server_times)]
    return align((columns[0][0], columns[0][1]), (columns[1][0], columns[1][1]))


def _judged(
    points: tuple[Point, Point],
    matches: Sequence[Match],
    compared: Sequence[Comparison],
    clock: Clock,
    rows: Sequence[Sequence[Rows]],
) -> list[Pair]:
    exchanges = [by_connection(point.exchanges) for point in points]
    passed: dict[str, list[int]] = {}
    for one, comparison in zip(matches, compared, strict=True):
        passed.setdefault(one.device.client.ip, []).extend(_passed(comparison))
    alive = {address: sorted(times) for address, times in passed.items()}
    devices = {
        one.connection_id: exchanges[0][one.connection_id][0].device
        for one in points[0].connections
        if one.connection_id in exchanges[0]
    }
    begins: dict[str, list[tuple[int, str]]] = {}  # by device: when its connections began, and from which address
    for each in points[0].connections:
        if (device := devices.get(each.connection_id)) is not None:
            begins.setdefault(device, []).append((each.start_ns, each.client.ip))
    missing = [missing_of(comparison) for comparison in compared]
    trust = Trust(clock.error_ns, (sum(here for here, _ in missing), sum(there for _, there in missing)))
    found = []
    for number, (one, comparison) in enumerate(zip(matches, compared, strict=True)):
        signs = read_signs(comparison, trust)
        device = devices.get(one.device.connection_id)
        around = Around(
            error_ns=clock.error_ns,
            farewell=_farewell(one, comparison),
            alive_ns=alive[one.device.client.ip],
            moves=[begun for begun in begins.get(device or "", ()) if begun[1] != one.device.client.ip],
        )
        ending = judge(comparison, signs, around)
        found.append(
            Pair(
                device=one.device,
                server=one.server,
                by=one.by,
                kind=comparison.kind,
                comparison=comparison,
                signs=signs,
                ending=ending,
                pending=_pending(exchanges[0].get(one.device.connection_id, ()), ending)
                or _pending(exchanges[1].get(one.server.connection_id, ()), None),
                whole=rows[0][number].whole and rows[1][number].whole,
            )
        )
    return found


def _pending(exchanges: Sequence[Exchange], ending: Ending | None) -> Exchange | None:
    """The request that had no answer at the end; `ending` where the times are of the device's clock."""
    if not exchanges:
        return None
    last = exchanges[-1]
    late = ending is not None and ending.time_ns is not None and (last.answer_ns or 0) > ending.time_ns
    return last if last.answer_ns is None or late else None


def _farewell(one: Match, comparison: Comparison) -> Literal[0, 1, None]:
    """The side whose close_notify came first, if the captures agree and no FIN or RST was before it."""
    found: set[Literal[0, 1]] = set()
    told = 0
    for connection, lined in ((one.device, comparison.device), (one.server, comparison.server)):
        times = connection.tls.close_notify_ns if connection.tls else (None, None)
        said = min(((time_ns, side) for side, time_ns in enumerate(times) if time_ns is not None), default=None)
        first = lined.rows.time_ns[lined.closing]
        if said is not None:
            if len(first) and first[0] < said[0]:
                return None
            found.add(0 if said[1] == CLIENT else 1)
            told += 1
    return found.pop() if len(found) == 1 and (told == 2 or missing_of(comparison) == (0, 0)) else None


def _passed(comparison: Comparison) -> list[int]:
    """When packets of a connection got through, by the device's point."""
    up, down = comparison.flows
    device = [*up.near[np.isin(up.near_state, (BOTH,))].tolist(), *down.far[down.far_state == BOTH].tolist()]
    return [int(comparison.device_ns[row]) for row in device]
