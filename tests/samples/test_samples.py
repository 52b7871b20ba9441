"""The bundled samples: each against its own truth file, and each with the verdict that its README entry promises.

The same questions as `tests/truth` asks of the full set of recordings, here on what every clone has.
"""

import re
from functools import cache
from typing import Any

import pytest

from tests.support import truth
from tests.support.compare import QUESTIONS, Comparison
from tests.support.places import RECORDINGS, SAMPLES

NAMES = sorted(path.stem for path in SAMPLES.glob("*.keys"))  # those without keys are made: samples/made has its own


@cache
def analysed(name: str) -> Any:
    from analyzer.analysis import analyze

    return analyze([SAMPLES / f"{name}.pcap"], keylog=[SAMPLES / f"{name}.keys"])


@cache
def compared(name: str) -> Comparison:
    return Comparison(analysed(name), truth.load(SAMPLES / f"{name}.truth.json"), "dev")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_sample_agrees_with_its_truth(name: str, question: str) -> None:
    assert getattr(compared(name), question)() == []


@pytest.mark.parametrize(
    ("name", "died", "waits"),
    [
        ("healthy", 0, 5),
        ("silent_firewall", 2, 6),
        ("resetting_firewall", 3, 4),
        ("proxy_timeout", 4, 6),
        ("server_killed", 1, 3),
        ("user_opens_app", 0, 5),
        ("empty_bodies", 0, 5),
        ("hanging_sync", 0, 9),
        ("new_connection_each", 0, 3),
        ("http2", 0, 5),
        ("rsa_key", 0, 2),
    ],
)
def test_sample_tells_the_story_that_its_readme_entry_promises(name: str, died: int, waits: int) -> None:
    comparison = compared(name)
    assert (sum(bool(row["premature"]) for row in comparison.teardowns), len(comparison.heartbeats)) == (died, waits)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_of_a_transaction_add_up(name: str) -> None:
    """Body within HTTP within TLS within TCP; the collections of a Sync within its body; all of it within the
    connection."""
    comparison = compared(name)
    by_connection: dict[int, list[dict[str, Any]]] = {}
    for row in comparison.transactions:
        by_connection.setdefault(row["connection_id"], []).append(row)
        for side in ("request", "response"):
            if row[f"{side}_start"] is not None:
                assert row[f"{side}_wire_bytes"] > (row[f"{side}_body_bytes"] or 0), row
        collections = [size for size in comparison.sync_sizes if size["transaction_id"] == row["transaction_id"]]
        assert sum(size["upload_bytes"] or 0 for size in collections) <= (row["request_decoded_bytes"] or 0)
        assert sum(size["download_bytes"] or 0 for size in collections) <= (row["response_decoded_bytes"] or 0)
        assert sum(size["upload_wire_bytes"] or 0 for size in collections) <= row["request_wire_bytes"]
        assert sum(size["download_wire_bytes"] or 0 for size in collections) <= (row["response_wire_bytes"] or 0)
    for connection in comparison.connections:
        mine = by_connection.get(connection["connection_id"], [])
        assert sum(row["request_wire_bytes"] or 0 for row in mine) <= connection["bytes_client"]
        assert sum(row["response_wire_bytes"] or 0 for row in mine) <= connection["bytes_server"]


def test_each_sample_has_keys_truth_and_a_readme_entry() -> None:
    entries = re.findall(r"^\| `(\w+)` \|", (SAMPLES / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(entries) == NAMES
    assert len(NAMES) >= 6
    for name in NAMES:
        assert (SAMPLES / f"{name}.keys").is_file()
        assert (SAMPLES / f"{name}.truth.json").is_file()


def test_a_private_key_alone_opens_the_sample_that_has_one() -> None:
    from analyzer.analysis import analyze
    from tests.support.compare import rows

    by_key = analyze([SAMPLES / "rsa_key.pcap"], rsa_key=[SAMPLES / "rsa_key.pem"])
    assert rows(by_key.transactions) == rows(analysed("rsa_key").transactions)
    assert by_key.warnings == []


def test_samples_are_what_take_py_makes_of_the_recordings() -> None:
    if not RECORDINGS.is_dir():
        pytest.skip("the full set of recordings (../shared/captures) is not beside this repository")
    import importlib.util

    spec = importlib.util.spec_from_file_location("take", SAMPLES / "take.py")
    assert spec is not None
    assert spec.loader is not None
    take = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(take)
    assert sorted(take.SAMPLES) == NAMES
    for name, (capture, scenario) in take.SAMPLES.items():
        assert (SAMPLES / f"{name}.pcap").read_bytes() == (RECORDINGS / capture).read_bytes()
        trimmed = take.trimmed(truth.load(RECORDINGS / f"{scenario}.truth.json"), capture)
        assert truth.load(SAMPLES / f"{name}.truth.json") == trimmed
