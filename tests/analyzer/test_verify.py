"""What `directpush verify` compares, which engine it believes, and how it says so."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from analyzer.trouble import PathLike
from analyzer.verify import Seen, by_builtin, compare
from analyzer.verify.known import SUBSCRIPTIONS, recognised
from analyzer.verify.seen import Difference
from dissectors.events import Transaction
from dissectors.tls import KeyLog
from tests.support.places import DIRECTPUSH, SAMPLES

HEALTHY, KEYS = SAMPLES / "healthy.pcap", SAMPLES / "healthy.keys"


def keys(path: PathLike = KEYS) -> KeyLog:
    made = KeyLog()
    made.add(Path(path).read_bytes(), "")
    return made


@pytest.fixture(scope="module")
def seen() -> Seen:
    return by_builtin(HEALTHY, keys())


def other(seen: Seen, **changes: Any) -> Seen:
    """As if another engine had seen it so."""
    return dataclasses.replace(seen, engine="tshark", **changes)


def differences(ours: Seen, theirs: Seen) -> list[tuple[str, str, str, str, str]]:
    return [(d.kind, d.field, d.builtin, d.tshark, d.believe) for d in compare(ours, theirs)]


def with_connection(seen: Seen, **changes: Any) -> Seen:
    return other(seen, connections=[seen.connections[0]._replace(**changes), *seen.connections[1:]])


def test_what_both_saw_alike_is_no_difference(seen: Seen) -> None:
    assert seen.connections
    assert seen.transactions
    assert seen.rows["heartbeats"]
    assert differences(seen, other(seen)) == []


def test_fields_of_a_connection_are_compared_exactly(seen: Seen) -> None:
    first = seen.connections[0]
    later = with_connection(seen, end_ns=first.end_ns + 1)
    assert differences(seen, later) == [
        ("connection", "end_ns", str(first.end_ns), str(first.end_ns + 1), "unknown"),
    ]


def test_fields_of_a_side_are_compared(seen: Seen) -> None:
    first = seen.connections[0]
    theirs = with_connection(seen, client=first.client._replace(retransmissions=first.client.retransmissions + 2))
    assert [(kind, field) for kind, field, *_ in differences(seen, theirs)] == [
        ("connection", "client.retransmissions")
    ]


def test_transaction_that_only_one_has_is_said_once(seen: Seen) -> None:
    theirs = other(seen, transactions=seen.transactions[:-1])
    assert differences(seen, theirs) == [("transaction", "transaction", "there", "not there", "unknown")]


def test_answer_that_is_not_whole_is_believed_though_tshark_does_not_show_it(seen: Seen) -> None:
    last = seen.transactions[-1]
    assert last.request is not None
    assert last.response is not None
    cut = last._replace(response=last.response._replace(complete=False))
    ours = dataclasses.replace(seen, transactions=[*seen.transactions[:-1], cut])
    theirs = other(seen, transactions=[*seen.transactions[:-1], last._replace(response=None)])
    assert differences(ours, theirs) == [("transaction", "response", "there", "not there", "builtin")]


def test_engine_that_could_read_more_is_believed(seen: Seen) -> None:
    ours = dataclasses.replace(
        seen,
        connections=[seen.connections[0]._replace(decryption="encrypted")],
        transactions=[],
        rows={name: [] for name in seen.rows},
    )
    found = differences(ours, other(seen))
    assert {believe for *_, believe in found} == {"tshark"}
    assert {kind for kind, *_ in found} == {"connection", "transaction", "heartbeat", "sync"} | {
        kind for kind, *_ in found if kind == "teardown"
    }


def test_rows_that_follow_from_events_say_so(seen: Seen) -> None:
    wait = dict(seen.rows["heartbeats"][0])
    changed = {**seen.rows, "heartbeats": [{**wait, "held_s": 1.0}, *seen.rows["heartbeats"][1:]]}
    (alone,) = compare(seen, other(seen, rows=changed))
    assert alone.why == "look at the frame in Wireshark"
    first = seen.connections[0]
    both = list(compare(seen, dataclasses.replace(with_connection(seen, end_ns=first.end_ns + 1), rows=changed)))
    assert [each.why for each in both if each.kind == "heartbeat"] == ["follows from a difference above"]


def test_bodies_and_headers_are_not_shown(seen: Seen) -> None:
    last = seen.transactions[-1]
    assert last.request is not None
    changed: Transaction = last._replace(
        request=last.request._replace(body=b"secret text", headers={"x-mail": "anna@example.com"}, target="/?User=anna")
    )
    found: list[Difference] = list(compare(seen, other(seen, transactions=[*seen.transactions[:-1], changed])))
    assert sorted(each.field for each in found) == ["request.body", "request.headers", "request.target"]
    said = repr(found)
    assert "secret" not in said
    assert "anna" not in said
    assert "x-mail" in said  # which header it is, is said


# Known faults of tshark -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def front() -> Seen:
    return by_builtin(SAMPLES / "frontend_lost.pcap", KeyLog())


def as_tshark_reads(each: Transaction, spoiled: frozenset[str]) -> list[Transaction]:
    """A request with one of these methods loses its header lines, and its answer stands alone."""
    if each.request is None or each.request.method not in spoiled:
        return [each]
    bare = each.request._replace(headers={}, wire_bytes=44)
    return [each._replace(request=bare, response=None), each._replace(request=None)]


def read_with(front: Seen, *methods: str) -> list[Difference]:
    made = [each for one in front.transactions for each in as_tshark_reads(one, frozenset(methods))]
    theirs = other(front, transactions=made)
    return recognised(compare(front, theirs), front, theirs)


def test_subscriptions_that_tshark_takes_for_upnp_are_a_known_fault(front: Seen) -> None:
    found = read_with(front, "SUBSCRIBE", "UNSUBSCRIBE")
    assert {each.field for each in found} >= {"request.headers", "response", "transaction"}
    assert {(each.known, each.believe, each.why) for each in found} == {(True, "builtin", SUBSCRIPTIONS.reason)}


def test_the_same_differences_of_another_request_are_not(front: Seen) -> None:
    found = read_with(front, "POLL")
    assert found
    assert not any(each.known for each in found)


def test_another_difference_of_a_subscription_is_not(front: Seen) -> None:
    moved = [
        each._replace(request=each.request._replace(start_ns=each.request.start_ns + 1)) if each.request else each
        for each in front.transactions
    ]
    theirs = other(front, transactions=moved)
    found = recognised(compare(front, theirs), front, theirs)
    assert {each.field for each in found} == {"request.start_ns"}
    assert not any(each.known for each in found)


# The command ---------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DIRECTPUSH), *arguments], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )


@pytest.mark.tshark
def test_command_says_that_both_agree_and_ends_with_0() -> None:
    done = run("verify", str(HEALTHY), "--keylog", str(KEYS))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Both engines say the same.\n")
    assert "33 transactions" in done.stdout


@pytest.mark.tshark
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("frontend_*.pcap")))
def test_command_ends_with_0_where_only_tshark_is_known_to_fail(name: str) -> None:
    done = run("verify", str(SAMPLES / name))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Both engines say the same but for ")
    assert "Believe the built-in engine: tshark takes SUBSCRIBE and UNSUBSCRIBE for UPnP" in done.stdout
    assert "SUBSCRIBE /exchange" not in done.stdout
    assert "SUBSCRIBE /exchange" in run("verify", str(SAMPLES / name), "--verbose").stdout


@pytest.mark.tshark
def test_command_says_what_differs_and_ends_with_1(tmp_path: Path) -> None:
    """A byte of an answer is not in the capture: the built-in engine goes on behind it, tshark does not."""
    holed = tmp_path / "holed.pcap"
    holed.write_bytes(without_frame(HEALTHY.read_bytes(), 61))
    done = run("verify", str(holed), "--keylog", str(KEYS))
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("The engines differ in ")
    assert "Believe the built-in engine: bytes are missing in the capture" in done.stdout
    assert all(len(line) <= 120 for line in done.stdout.splitlines())


@pytest.mark.tshark
def test_command_that_can_read_nothing_ends_with_2(tmp_path: Path) -> None:
    done = run("verify", str(tmp_path / "missing.pcap"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr


def test_command_without_tshark_ends_with_2_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("verify", str(HEALTHY))
    assert done.returncode == 2
    assert done.stderr.startswith("error: tshark is not installed\nhint: install ")


def without_frame(capture: bytes, number: int) -> bytes:
    """A pcap file without one of its packets."""
    place, left = 24, number
    while True:
        size = int.from_bytes(capture[place + 8 : place + 12], "little")
        left -= 1
        if not left:
            return capture[:place] + capture[place + 16 + size :]
        place += 16 + size


def test_verification_can_be_kept_as_json(seen: Seen) -> None:
    found = compare(seen, with_connection(seen, end_ns=1))
    assert json.loads(json.dumps([each._asdict() for each in found]))[0]["field"] == "end_ns"
