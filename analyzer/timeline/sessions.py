"""Who sent a request: users with their devices, numbered in order of first sight → rows of `sessions`.

A session is (server, user, device): the server as the device calls it in its Host header. Three kinds of request do
not say all of that, and are joined to a session only where no other reading is possible:

    device named, user not   (client certificate, bearer token): the session of that device on that server, if exactly
                             one has a user; else a session without user
    device not named         (OPTIONS, an unreadable query): the session of the same connection, if it has exactly one
                             that fits; else the only session of that user on that server; else a session of its own;
                             with no user either it belongs to none
    server not named         (HTTP/1.0 without Host): likewise, and its server is the address and port

Behind a proxy many devices share a connection: "exactly one" is then not met, and the request stays apart. Nothing is
guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import sessions
from analyzer.timeline.columns import Codes, Ints
from analyzer.timeline.packing import PackedRows
from analyzer.timeline.transactions import Columns

Key = tuple[str | None, str | None, str | None]  # server, user, device_id

_SEVERAL = -1  # in place of a session's number


@dataclass(slots=True)
class _Traits:
    """What a session says of itself, the newest of each with its time."""

    device_type: tuple[int, str] | None = None
    user_agent: tuple[int, str] | None = None
    protocol_version: tuple[int, str] | None = None


class Sessions:
    """Provisional numbers from 0 while events arrive; `finish` joins and renumbers them from 1."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Key, int], int] = {}
        self._keys: list[Key] = []
        self._traits: list[_Traits] = []
        self._joined: dict[int, int] = {}  # a session that turned out to be another one

    def number(self, server: str | None, user: str | None, device_id: str | None, connection_id: int) -> int:
        """The session of a request. Such as cannot be told from others yet are kept apart by connection."""
        vague = connection_id if device_id is None or server is None else 0
        key = ((server, user, device_id), vague)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._keys)
            self._keys.append(key[0])
            self._traits.append(_Traits())
        return number

    def note(self, number: int, time_ns: int, device_type: str | None, agent: str | None, version: str | None) -> None:
        """What a request says beside its key. Ties in time go to the greater text, so that order of arrival does not
        matter."""
        traits = self._traits[number]
        if agent is not None and (traits.user_agent is None or traits.user_agent < (time_ns, agent)):
            traits.user_agent = (time_ns, agent)
        if version is not None and (traits.protocol_version is None or traits.protocol_version < (time_ns, version)):
            traits.protocol_version = (time_ns, version)
        if device_type is not None and (traits.device_type is None or traits.device_type < (time_ns, device_type)):
            traits.device_type = (time_ns, device_type)

    def connection_ended(self, numbers: set[int], server_address: str) -> set[int]:
        """Settle the vague sessions of one connection. Returns the distinct sessions it had."""
        clear = {n for n in numbers if None not in (self._keys[n][0], self._keys[n][2])}
        index = _ByWhatIsNamed(self._keys, clear)
        for n in numbers - clear:
            fitting = index.only_fit(self._keys[n])
            if fitting is not None:
                self._join(n, fitting)
            else:
                server, user, device_id = self._keys[n]
                self._join(n, self._certain((server or server_address, user, device_id)))
        return {self._joined.get(n, n) for n in numbers}

    def resolved(self) -> Ints:
        """Provisional number → the number it was joined to, -1 for none. Call when all connections have ended."""
        self._join_halves()
        found = [self._follow(n) for n in range(len(self._keys))]
        return np.array([-1 if self._keys[n][1:] == (None, None) else n for n in found], dtype=np.int64)

    def finish(
        self, packed: PackedRows, transactions: Columns, time_order: Codes, waits_by_session: Ints, final: Ints
    ) -> tuple[TableBuilder, Ints, dict[int, Key]]:
        """Make the rows. `transactions`: of `packed`; `time_order`: transaction rows in order of time; `final`: of each
        row its joined session, -1 for none; `waits_by_session`: how many waits each has. Returns the builder, joined
        number → session_id (0: no such session), and session_id → key.
        """
        builder = TableBuilder(sessions.TABLE)
        rows = time_order[final[time_order] >= 0]
        group = final[rows]
        count = len(self._keys)
        seen = group[np.sort(np.unique(group, return_index=True)[1])]  # sessions in order of first sight
        ids = np.zeros(count, dtype=np.int64)
        ids[seen] = np.arange(1, len(seen) + 1)

        first_ns = np.full(count, np.iinfo(np.int64).max)
        last_ns = np.full(count, np.iinfo(np.int64).min)
        np.minimum.at(first_ns, group, transactions.start[rows])
        np.maximum.at(last_ns, group, transactions.end[rows])
        up, down = (
            np.bincount(group, weights=packed[name][rows].clip(0), minlength=count)  # -1: not seen
            for name in ("request_wire_bytes", "response_wire_bytes")
        )
        requests = np.bincount(group, minlength=count)
        links = transactions.connection[rows].astype(np.int64)
        pairs = read.distinct(group * (int(links.max(initial=0)) + 1) + links)
        connections = np.bincount(pairs // (int(links.max(initial=0)) + 1), minlength=count)
        traits = self._merged_traits()
        for n in seen.tolist():
            server, user, device_id = self._keys[n]
            told = traits[n]
            builder.append(
                (
                    int(ids[n]),
                    server,
                    user,
                    device_id,
                    told.device_type and told.device_type[1],
                    told.user_agent and told.user_agent[1],
                    told.protocol_version and told.protocol_version[1],
                    "direct_push" if waits_by_session[n] else "unknown",
                    int(first_ns[n]),
                    int(last_ns[n]),
                    int(waits_by_session[n]),
                    int(connections[n]),
                    int(up[n]),
                    int(down[n]),
                    int(requests[n]),
                    None,  # the period of a schedule, see `sync_mode`
                )
            )
        return builder, ids, {int(ids[n]): self._keys[n] for n in seen.tolist()}

    def _certain(self, key: Key) -> int:
        number = self._numbers.get((key, 0))
        if number is None:
            number = self._numbers[(key, 0)] = len(self._keys)
            self._keys.append(key)
            self._traits.append(_Traits())
        return number

    def _join(self, n: int, other: int) -> None:
        if n != other:
            self._joined[n] = other

    def _follow(self, n: int) -> int:
        while n in self._joined:  # a chain has at most three links: connection, then user
            n = self._joined[n]
        return n

    def _join_halves(self) -> None:
        """A device without user, or a user without device, is the only session on that server that has both."""
        whole: dict[tuple[str | None, int, str | None], list[int]] = {}
        for (key, vague), n in self._numbers.items():
            if not vague and None not in key:
                for part in (1, 2):
                    whole.setdefault((key[0], part, key[part]), []).append(n)
        for (key, vague), n in self._numbers.items():
            if not vague and None in key[1:] and key[1:] != (None, None):
                part = 1 if key[2] is None else 2
                known = whole.get((key[0], part, key[part]), [])
                if len(known) == 1:
                    self._join(n, known[0])

    def _merged_traits(self) -> list[_Traits]:
        merged = [_Traits() for _ in self._keys]
        for n, told in enumerate(self._traits):
            whole = merged[self._follow(n)]
            whole.device_type = _newest(whole.device_type, told.device_type)
            whole.user_agent = _newest(whole.user_agent, told.user_agent)
            whole.protocol_version = _newest(whole.protocol_version, told.protocol_version)
        return merged


class _ByWhatIsNamed:
    """Sessions with server and device, found by the parts of a key that a vague request names: one proxy's connection
    may have carried thousands of both."""

    def __init__(self, keys: list[Key], clear: set[int]) -> None:
        self._keys = keys
        self._clear = clear
        self._by_named: dict[tuple[bool, ...], dict[Key, int]] = {}  # which parts → those parts → the session

    def only_fit(self, vague: Key) -> int | None:
        """The session that nothing in `vague` contradicts; None where it is not exactly one."""
        server, user, device_id = vague
        known = self._having((server is not None, user is not None, device_id is not None))
        fitting = [known[key] for key in {vague, (server, None, device_id)} if key in known]  # it may have no user
        return fitting[0] if len(fitting) == 1 and fitting[0] != _SEVERAL else None

    def _having(self, named: tuple[bool, bool, bool]) -> dict[Key, int]:
        known = self._by_named.get(named)
        if known is None:
            known = self._by_named[named] = {}
            for m in self._clear:
                server, user, device_id = self._keys[m]
                key = (server if named[0] else None, user if named[1] else None, device_id if named[2] else None)
                known[key] = _SEVERAL if key in known else m
        return known


def _newest(one: tuple[int, str] | None, other: tuple[int, str] | None) -> tuple[int, str] | None:
    return max(filter(None, (one, other)), default=None)
