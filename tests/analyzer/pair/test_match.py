"""Which connection is which where many of them are alike: what still tells them apart, and what it costs."""

import time
from pathlib import Path

import pytest

from analyzer.pair import match, pair, pairing
from analyzer.pair.points import read_point
from analyzer.pair.rows import read_rows
from analyzer.secrets import read_keys
from dissectors.events import CLIENT
from tests.analyzer.pair.views import Talk, write


def alike(count: int) -> list[Talk]:
    """Connections of which only the client's port differs: the same numbers and the same payloads."""
    return [
        Talk(port=40000 + number).open(number * 10.0).exchanges(4, 1.0, number * 10.0 + 1) for number in range(count)
    ]


def ports(found: pairing.Pairing) -> list[tuple[int, int]]:
    return [(one.device.client.port, one.server.client.port) for one in found.pairs]


def test_same_addresses_and_initial_number_are_the_same_connection(tmp_path: Path) -> None:
    device, _ = write(tmp_path, *alike(3))
    found = pair(device, device)
    assert ports(found) == [(40000, 40000), (40001, 40001), (40002, 40002)]
    assert {one.by for one in found.pairs} == {"sequence_numbers"}
    assert found.warnings == []


def test_connections_that_nothing_tells_apart_are_not_guessed(tmp_path: Path) -> None:
    found = pair(*write(tmp_path, *alike(3)))
    assert (ports(found), len(found.only_device), len(found.only_server)) == ([], 3, 3)


def test_more_alike_than_are_looked_at_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captures = write(tmp_path, *alike(3))
    monkeypatch.setattr(match, "MAX_ALIKE", 3)
    assert pair(*captures).warnings == []
    monkeypatch.setattr(match, "MAX_ALIKE", 2)
    found = pair(*captures)
    assert ports(found) == []
    assert [one.message.partition(": ")[2] for one in found.warnings] == [
        "3 connections share too much with too many others to be told apart"
    ]


def test_what_few_share_decides_among_those_that_are_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MAX_ALIKE", 2)
    talks = alike(4)
    for number, talk in enumerate(talks):
        for length in (20, 40):  # of its own length, so that no other has a packet with this number and length
            talk.say(number * 10.0 + 6 + length / 100, CLIENT, b"%d" % number * (length + number))
    found = pair(*write(tmp_path, *talks))
    assert ports(found) == [(40000 + number, 50000 + number) for number in range(4)]
    assert found.warnings == []


def test_same_client_hello_in_more_than_are_looked_at_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = seeds(tmp_path, 1)[0][0]
    hello = seed._replace(tls=Hello("ab" * 32))
    monkeypatch.setattr(match, "MAX_ALIKE", 2)
    two, three = ([hello._replace(connection_id=number) for number in range(count)] for count in (2, 3))
    assert match.by_random(two, two).alike == set()
    found = match.by_random(two, three)
    assert (len(found.matches), found.alike) == (1, {0, 1})


def test_connections_beyond_the_limit_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device, _ = write(tmp_path, *alike(3))
    monkeypatch.setattr(pairing, "MAX_SEEDS", 2)
    found = pair(device, device)
    assert len(found.pairs) == 2
    assert [one.message for one in found.warnings] == [f"{device}: 1 connection more than are looked for elsewhere"] * 2


class Hello:
    """As much of a TLS handshake as matching asks for."""

    def __init__(self, client_random: str) -> None:
        self.client_random = client_random


def seeds(directory: Path, count: int) -> match.Seeds:
    """One connection many times, each with another port and id."""
    device, _ = write(directory, *alike(1))
    point = read_point(device, read_keys([], [], None, []), None, 1 << 20)
    connection, rows = point.connections[0], read_rows(device, point.connections)[0]
    return [
        (connection._replace(connection_id=number, client=connection.client._replace(port=number)), rows)
        for number in range(count)
    ]


@pytest.mark.parametrize("way", ["by_random", "by_numbers", "by_content"])
def test_twice_as_many_that_are_alike_cost_about_twice(tmp_path: Path, way: str) -> None:
    """All of them against all others would be four times."""

    def cost(count: int) -> float:
        device = seeds(tmp_path, count)
        server = [(one._replace(client=one.client._replace(ip="203.0.113.1")), rows) for one, rows in device]
        sides = device, server
        if way == "by_random":
            sides = tuple([one._replace(tls=Hello("ab" * 32)) for one, _ in side] for side in sides)
        least = float("inf")
        for _ in range(3):
            begin = time.process_time()
            assert len(getattr(match, way)(*sides).matches) == (way == "by_random")
            least = min(least, time.process_time() - begin)
        return least

    assert cost(1600) < 3 * cost(800)
