"""Both engines say the same of every capture there is, and of captures made at random.

Two engines that share nothing below the seam but the meaning of words (`analyzer.engines.tshark` lists what they do
share) are the strongest test there is. A difference is a bug, or carries a mark that says why it must be.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzer.verify import Difference, Verification, verify
from analyzer.verify.judge import BOUND, UNFINISHED
from analyzer.verify.known import SNAPPED, SUBSCRIPTIONS
from tests.engines import generator
from tests.engines.marks import Mark, known, never, said, unexplained
from tests.support.places import RECORDINGS, SAMPLES

pytestmark = pytest.mark.tshark

SAMPLE_CAPTURES = sorted(SAMPLES.glob("*.pcap*"))
RECORDED = sorted(RECORDINGS.glob("*.pcap*")) if RECORDINGS.is_dir() else []
BATCH = 50  # generated connections in one capture file
LONG_RUN = int(os.environ.get("DIRECTPUSH_GENERATED_CASES", "0"))  # 10 000 is the long run

MARKS: dict[str, Sequence[Mark]] = {
    "k_snap.dev-snap128.pcap": [known(SNAPPED)],
    "frontend_*.pcap": [known(SUBSCRIPTIONS)],
    "k_snap.srv-snap300.pcap": [known(SNAPPED), never("no transaction, no wait", "heartbeat heartbeat")],
}


def marks_of(path: Path) -> list[Mark]:
    return [mark for pattern, marks in MARKS.items() if path.match(pattern) for mark in marks]


def both(path: Path, keys: Path | None = None) -> Verification:
    """A capture through both, with the keys that lie beside it."""
    stem = path.name.split(".", maxsplit=1)[0]
    beside = [keys or path.with_name(f"{stem}.keys")]
    rsa = path.with_name(f"{stem}.key.pem")
    return verify(path, [file for file in beside if file.exists()], rsa_keys=[rsa] if rsa.exists() else [])


@pytest.mark.parametrize(
    "path",
    [
        *(pytest.param(path, id=path.name) for path in SAMPLE_CAPTURES),
        *(pytest.param(path, id=path.name, marks=pytest.mark.slow) for path in RECORDED),
    ],
)
def test_engines_agree_on_a_recorded_capture(path: Path) -> None:
    found = both(path)
    assert found.tshark.connections or found.builtin.connections, "there is something to agree on"
    assert unexplained(found.differences, marks_of(path)) == []


# Generated captures --------------------------------------------------------------------------------------------------


def surprising(found: Verification, cases: Sequence[generator.Case]) -> list[str]:
    """What the engines do not agree on and need not be so: in the words of the case it happened in."""
    owners = {each.addresses[0]: each for each in cases}
    lines = []
    for difference in found.differences:
        ends = difference.connection[:2] if difference.connection else ()
        owner = next((owners[ip] for ip, _ in ends if ip in owners), None)
        if difference.kind == "capture" and difference.field == "missing_bytes" and any(each.holes for each in cases):
            continue  # added up from the connections
        if owner is None or not _to_be_expected(difference, owner):
            lines.append(f"{owner}: {said(difference)}")
    return lines


def _to_be_expected(difference: Difference, case: generator.Case) -> bool:
    """Behind a byte that is not in the capture tshark reads nothing more of that direction, nor behind some overlapping
    segments: the built-in engine goes on, and what both have must still be the same. A message that has no end is not
    shown by tshark.
    """
    kind, field = difference.kind, difference.field
    follows = kind in ("heartbeat", "teardown", "sync")
    if case.unfinished and (difference.why == UNFINISHED or follows):
        return True
    if "closed_early" in case.manglings and case.tls != "1.3" and kind == "connection":
        return field in ("decryption", "last_packets")  # one Finished is enough for the built-in engine
    # Seen in 2 of 5,000 cases; why tshark stops there was not found out.
    mixed_up = case.tls is not None and "overlap" in case.manglings
    if not case.holes and not mixed_up:
        return False
    if kind == "connection":
        read = field in ("decryption", "turns", "last_packets") or field.startswith("tls")
        return read or difference.why == BOUND
    if kind == "transaction":
        alone = difference.builtin == "not there" and difference.place.startswith("answer")  # its request is not read
        return alone or difference.tshark == "not there" or difference.why == UNFINISHED
    return follows


def agree(seeds: range, folder: Path) -> None:
    """Makes the cases of these seeds, and asks both engines. The capture stays in `folder` for whoever has to look."""
    cases = [generator.case(seed) for seed in seeds]
    path, keys = folder / f"generated-{seeds.start}.pcapng", folder / f"generated-{seeds.start}.keys"
    path.write_bytes(generator.capture(cases))
    keys.write_text("".join(each.keys for each in cases))
    found = both(path, keys)
    assert len(found.builtin.connections) == len(cases)
    assert surprising(found, cases) == []


def test_engines_agree_on_twenty_generated_connections(tmp_path: Path) -> None:
    agree(range(20), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(20, 220, BATCH))
def test_engines_agree_on_generated_connections(first: int, tmp_path: Path) -> None:
    agree(range(first, first + BATCH), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not LONG_RUN, reason="the long run: DIRECTPUSH_GENERATED_CASES=10000")
@pytest.mark.parametrize("first", range(1000, 1000 + LONG_RUN, BATCH))
def test_engines_agree_in_the_long_run(first: int, tmp_path: Path) -> None:
    agree(range(first, first + BATCH), tmp_path)
