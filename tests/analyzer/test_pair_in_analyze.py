"""`directpush analyze` on two captures of the same connections says what both tell together."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.analyzer.pair.views import behind_nat
from tests.support.places import DIRECTPUSH, SAMPLES, recording

SAMPLE, KEYS = SAMPLES / "server_killed.pcap", SAMPLES / "server_killed.keys"


def analyze(*captures: Path, keys: Path = KEYS) -> str:
    command = [str(DIRECTPUSH), "analyze", *map(str, captures), "--keylog", str(keys)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("scenario", ["b_blackhole", "c_fw_rst", "i_twopoint"])
def test_both_captures_of_a_connection_are_paired_whatever_comes_first(scenario: str, turned: bool) -> None:
    sides = [recording(f"{scenario}.{point}.pcap") for point in ("dev", "srv")]
    said = analyze(*(reversed(sides) if turned else sides), keys=recording(f"{scenario}.keys"))
    assert said.startswith("Push is being cut on the way.\n"), "the other capture's address is no roaming"
    words = " ".join(said.split())
    assert "which count twice here" in words
    assert f"Between the two captures (directpush pair {sides[0]} {sides[1]}): Connections are cut between" in words


def test_where_it_cannot_be_told_which_is_nearer_only_the_command_is_named(tmp_path: Path) -> None:
    """This view of the server's side has the same times: nothing lies between."""
    server = tmp_path / "server.pcap"
    server.write_bytes(behind_nat(SAMPLE))
    said = analyze(SAMPLE, server)
    assert "directpush pair tells" in " ".join(said.split())
    assert "Between the two captures" not in said


def test_captures_of_different_connections_are_not_paired() -> None:
    assert "directpush pair" not in analyze(SAMPLE, SAMPLES / "healthy.pcap")
