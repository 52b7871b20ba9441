"""Inference against keys: the samples, and where they are at hand the full set of recordings and the lab's."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from analyzer.analysis import analyze
from analyzer.keyless.accuracy import Result, _line, markdown, run
from analyzer.keyless.slowed import slow_down
from tests.support.places import RECORDINGS, ROOT, SAMPLES, recording

README = (ROOT / "analyzer" / "keyless" / "README.md").read_text()
HTTP1 = ("AEAD", "1.1")


@cache
def samples() -> Result:
    return run([SAMPLES])


def test_in_the_samples_no_wait_is_found_that_is_none_and_no_death_that_was_none() -> None:
    whole = samples().tally()
    assert (whole.found, whole.deaths_found) == (whole.right, whole.deaths_right)
    assert whole.outcomes["wrong"] == 0
    assert not any(samples().strangers.values())


def test_in_the_samples_waits_are_found_unless_the_server_has_no_name() -> None:
    """`new_connection_each` names no server, and its waits are too short to speak for themselves."""
    missed = [words for words in samples().mistakes if "not found" in words and "http2" not in words]
    assert {words.split(":")[0] for words in missed} == {"new_connection_each.pcap", "empty_bodies.pcap"}
    assert samples().tally(HTTP1).right_long >= 0.9 * samples().tally(HTTP1).long


def test_every_death_that_tcp_shows_is_found() -> None:
    """What a gateway answered (`proxy_timeout`) is an answer of some length."""
    whole = samples().tally()
    seen = analyze([SAMPLES / "proxy_timeout.pcap"], keylog=[SAMPLES / "proxy_timeout.keys"])
    by_page = (seen.teardowns["mechanism"] == "http_error").sum()
    assert whole.deaths_right == whole.deaths - by_page


def test_the_question_is_answered_without_keys() -> None:
    said = " ".join(analyze([SAMPLES / "silent_firewall.pcap"]).summary().split())
    assert said.startswith("Push is being cut on the way.")
    assert "waits died before they were answered: all went silent" in said
    assert "forgets idle TCP connections after more than 21 s and at most 62 s" in said
    assert "Raise that timer to 30 min" in said
    assert "inferred from the sizes and times of packets: long polls, most likely ActiveSync" in said
    assert " 192.168.10.20 " in said


def test_silences_are_stretched_and_nothing_else(tmp_path: Path) -> None:
    original, slowed = SAMPLES / "healthy.pcap", tmp_path / "slowed.pcap"
    slow_down(original, slowed, 20)
    keys = [SAMPLES / "healthy.keys"]
    before, after = (analyze([path], keylog=keys).transactions for path in (original, slowed))
    same = ["request_frame", "response_frame", "request_wire_bytes", "response_wire_bytes", "command"]
    assert before[same].equals(after[same])
    took = [(one["response_start"] - one["request_end"]).dt.total_seconds() for one in (before, after)]
    quick = took[0] < 1
    assert (took[0][quick] - took[1][quick]).abs().max() < 1e-6
    assert (took[1][took[0] > 30] > 500).all()


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 20])
def test_the_recordings_meet_the_aim(times: int) -> None:
    recording("README.md")
    result = run([RECORDINGS], times)
    whole = result.tally(HTTP1)
    assert whole.right == whole.found
    assert whole.right >= (0.98 if times == 20 else 0.93) * whole.waits
    assert result.tally().outcomes["wrong"] == 0
    assert result.tally().deaths_found == result.tally().deaths_right


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 20])
def test_nothing_is_found_in_the_labs_strangers(times: int) -> None:
    directory = os.environ.get("DIRECTPUSH_LAB")
    if not directory:
        pytest.skip("no recordings of the lab: name their directory in DIRECTPUSH_LAB")
    result = run([Path(directory)], times)
    assert len(result.strangers) >= 7
    assert not any(result.strangers.values())
    assert result.tally().found == result.tally().right


def test_the_readme_shows_the_measured_figures_of_the_samples() -> None:
    table = re.search(r"### The samples.*?\n\n((?:\|.*\n)+)", README)
    assert table is not None
    measured = [
        _line(f"{kind}, HTTP/{version}", tally) for (kind, version), tally in sorted(samples().by_class.items())
    ]
    assert table.group(1).splitlines()[2:] == measured


def test_the_table_has_a_line_for_each_cipher_kind_and_http_version() -> None:
    text = markdown(samples(), "The samples, as recorded")
    assert "| AEAD, HTTP/1.1 |" in text
    assert "| AEAD, HTTP/2 |" in text
    assert "waits found in them" not in text, "the samples have no stranger, so there is nothing to claim"
