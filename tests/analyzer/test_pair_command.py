"""`directpush pair` as a person or a script meets it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from dissectors.events import CLIENT, SERVER
from tests.analyzer.pair.views import Clocks, Talk, behind_nat, write
from tests.dissectors.net.wire import SECOND
from tests.support.places import DIRECTPUSH, SAMPLES


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key != "SSLKEYLOGFILE"}
    return subprocess.run(
        [str(DIRECTPUSH), "pair", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean | {"COLUMNS": "110"},
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One connection that a box has reset at both sides after 60 s, and one that lives on."""
    clocks = Clocks(5 * SECOND)
    dead = Talk(clocks).open().exchanges(5).say(10.0, CLIENT, b"a wait begins here")
    dead.reset(70.0, SERVER, where="far", ttl=61).reset(70.0, CLIENT, where="far", ttl=61)
    other = Talk(clocks, port=41000, isn=(70000, 90000)).open(-5.0).exchanges(60, 5.0, -4.0)
    return write(tmp_path_factory.mktemp("cut"), dead, other)


def test_verdict_comes_first_then_the_connections_then_the_clocks(cut: tuple[Path, Path]) -> None:
    done = run(*cut)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Connections are cut between the two captures."
    assert "1 of 2 connections was ended there" in lines[1]
    assert "from between" in done.stdout
    assert "the server's capture is 5.000 s ahead, within 10" in " ".join(done.stdout.split())
    assert "\x1b" not in done.stdout


def test_json_holds_everything_with_frames(cut: tuple[Path, Path]) -> None:
    document = json.loads(run(*cut, "--json").stdout)
    assert document["schema_version"] == 1
    dead = next(one for one in document["connections"] if one["ended_by"] == "between")
    assert (dead["mechanism"], dead["told"], dead["evidence_grade"]) == ("rst", ["device", "server"], "proven")
    assert dead["idle_s"] == pytest.approx(60, abs=0.1)
    assert [close["ttl"] for close in dead["closes"]] == [61, 61]
    assert document["clock"]["offset_s"] == pytest.approx(5, abs=document["clock"]["error_s"])
    assert document["idle_timer"]["high_s"] == pytest.approx(60, abs=0.1)


def test_verbose_tells_each_connection(cut: tuple[Path, Path]) -> None:
    assert "TTL less 1" in run(*cut, "--verbose").stdout


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 1), ("never", 0)])
def test_fail_on_makes_the_exit_code(cut: tuple[Path, Path], level: str, code: int) -> None:
    assert run(*cut, "--fail-on", level).returncode == code


def test_healthy_path_is_said_in_a_few_lines(tmp_path: Path) -> None:
    view = tmp_path / "server.pcap"
    view.write_bytes(behind_nat(SAMPLES / "healthy.pcap"))
    done = run(SAMPLES / "healthy.pcap", view, "--keylog", SAMPLES / "healthy.keys", "--fail-on", "warning")
    assert done.returncode == 0
    assert done.stdout.startswith("Nothing between the two captures cuts connections.\n")


def test_captures_of_different_connections_say_so(tmp_path: Path) -> None:
    done = run(SAMPLES / "healthy.pcap", SAMPLES / "silent_firewall.pcap")
    assert done.returncode == 0
    assert done.stdout.startswith("These captures have no connection in common.\n")


def test_standard_input_cannot_be_read_twice() -> None:
    done = run("-", SAMPLES / "healthy.pcap")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: standard input can be read only once, and comparing reads twice",
        "hint: save it to a file first",
    ]


def test_missing_file_is_one_line_and_a_hint(tmp_path: Path) -> None:
    done = run(SAMPLES / "healthy.pcap", tmp_path / "none.pcap")
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
