"""The lab recorded live: what the analyzer says about each end, at both capture points, against what happened.

Needs root, network namespaces and a few programs, two of them servers, which a test run does not install: without them
the tests skip and say why. `samples/lab/README.md` tells what a recording is; `python -m samples.lab.confusion` shows
the whole table.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samples.lab.confusion import Result, Timer, run
from samples.lab.network import PREFIX, why_not
from samples.lab.scenario import load_all
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

SCENARIOS = {name: named for name, named in load_all().items() if named.scenario.ci}
LONGEST_S = 240
CERTAIN_TIMERS = (  # at these points three deaths and survivals on both sides leave no excuse
    *("silent_firewall.dev.pcap", "silent_firewall.srv.pcap", "resetting_firewall.dev.pcap"),
    *("resetting_firewall.srv.pcap", "twin_resets.dev.pcap", "twin_resets.srv.pcap", "nginx_504.dev.pcap"),
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The short scenarios, recorded now; `make lab` leaves a directory behind that is taken instead, if it is named."""
    if os.environ.get("DIRECTPUSH_LAB"):
        return Path(os.environ["DIRECTPUSH_LAB"])
    reason = why_not()
    if reason:
        pytest.skip(f"{reason}; `make lab` installs what it can")
    into = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "samples.lab", "record", "--ci", "--into", into]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as lab:
        try:
            _, said = lab.communicate(timeout=LONGEST_S)
        finally:
            lab.terminate()  # it then takes down what stands
    assert lab.returncode == 0, said
    return into


@pytest.fixture(scope="module")
def result(recorded: Path) -> Result:
    return run(recorded, with_shared=False)


def test_every_short_scenario_was_recorded_at_both_points(recorded: Path) -> None:
    for name in SCENARIOS:
        for ending in ("dev.pcap", "srv.pcap", "keys", "truth.json"):
            assert (recorded / f"{name}.{ending}").stat().st_size > 0, f"{name}.{ending}"


def test_nothing_of_the_lab_is_left_behind(recorded: Path) -> None:
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in left.splitlines() if line.startswith(f"{PREFIX}-") and "try" not in line]
    owners = {int(line.split("-")[1], 16) for line in ours}
    assert not [owner for owner in owners if not Path(f"/proc/{owner}").exists()]


def test_no_box_is_accused_that_had_no_part_in_it(result: Result) -> None:
    assert result.accusations == []


@pytest.mark.parametrize("name", [name for name, named in SCENARIOS.items() if not named.scenario.stranger])
def test_cause_and_culprit_are_right_or_unknown(result: Result, name: str) -> None:
    ends = [end for end in result.ends if end.capture.startswith(f"{name}.")]
    assert ends
    for end in ends:
        assert end.verdicts["cause"] in ("right", "unknown"), end
        assert end.verdicts["ended_by"] in ("right", "unknown"), end
        assert end.verdicts["premature"] in ("right", "unknown"), end


def test_full_proxy_with_equal_ttl_is_the_server_side(result: Result) -> None:
    proxied = [end for end in result.ends if end.capture.startswith("full_proxy_") and end.point == "dev"]
    said = {end.said["ended_by"] for end in proxied if end.said and end.fate == "killed"}
    assert said == {"server_side"}


@pytest.mark.parametrize("capture", CERTAIN_TIMERS)
def test_interval_contains_the_timer(result: Result, capture: str) -> None:
    timers: list[Timer] = [timer for timer in result.timers if timer.capture == capture]
    assert [timer.verdict for timer in timers] == ["right"], timers


@pytest.mark.parametrize("name", [name for name, named in SCENARIOS.items() if named.scenario.stranger])
def test_no_wait_is_found_where_there_is_no_activesync(result: Result, name: str) -> None:
    found = {capture: waits for capture, waits in result.strangers if capture.startswith(f"{name}.")}
    assert found == {f"{name}.dev.pcap": 0, f"{name}.srv.pcap": 0}
