"""DP130 to DP135: each with a capture that fires it and near misses that stay quiet."""

from typing import Any

import pytest

from analyzer.findings import Finding, run
from tests.support.made import START, Made, S

PERIOD = 900


def found(made: Made, code: str) -> list[Finding]:
    return [finding for finding in run(made.tables(judged=False)) if finding.code == code]


def request(made: Made, at: float, command: str | None = "Sync", status: int = 200, **row: Any) -> int:
    number = len(made.rows["transactions"]) + 1
    base = {
        "transaction_id": number,
        "connection_id": 1,
        "session_id": 1,
        "request_start": START + round(at * S),
        "request_end": START + round(at * S),
        "response_start": START + round((at + 0.2) * S),
        "response_end": START + round((at + 0.3) * S),
        "command": command,
        "status": status,
        "request_wire_bytes": 500,
        "response_wire_bytes": 300,
        "request_frame": number * 10,
        "response_frame": number * 10 + 1,
    }
    made.add("transactions", **(base | row))
    return number


def scheduled(mode: str = "scheduled") -> Made:
    made = Made()
    period = float(PERIOD) if mode == "scheduled" else None
    made.session(sync_mode=mode, scheduled_period_s=period, heartbeats=0, bytes_up=2500, bytes_down=1500)
    made.connection()
    for number in range(5):
        transaction = request(made, number * PERIOD)
        made.add(
            "sync_sizes", transaction_id=transaction, session_id=1, time=START + number * PERIOD * S, adds=number % 2,
            changes=0, deletes=0,
        )  # fmt: skip
    return made


def test_a_schedule_is_told_with_what_its_rounds_cost_and_brought() -> None:
    (finding,) = found(scheduled(), "DP130")
    assert (finding.severity, finding.session_id) == ("info", 1)
    assert finding.title == "iPhone anna synchronises every 900 s instead of by push."
    assert "5 rounds in 60 min, one every 900 s; 3 of 5 brought nothing. They cost 4 KB." in finding.detail
    assert "up to 900 s for the next round, 450 s on average" in finding.detail
    assert finding.frames == (10, 20, 30, 40, 50)


@pytest.mark.parametrize("mode", ["direct_push", "manual", "unknown"])
def test_any_other_mode_is_no_schedule(mode: str) -> None:
    assert found(scheduled(mode), "DP130") == []


def reconnecting(count: int, *, gap_s: float = 5.0, **row: Any) -> Made:
    made = Made()
    made.session()
    made.connection()
    for number in range(count):
        connection = made.connection()
        base = {
            "session_id": 1, "connection_id": connection, "replaces_id": connection - 1, "start": START + number * S,
            "gap_s": gap_s, "setup_ms": 200.0, "setup_bytes": 4000, "full_handshake": True, "round_trips": 4,
            "auth_rounds": 1, "auth_bytes": 800, "auth_ms": 50.0,
        }  # fmt: skip
        made.add("reconnects", **(base | row))
    return made


def test_reconnects_are_told_with_round_trips_bytes_and_time() -> None:
    (finding,) = found(reconnecting(6), "DP131")
    assert finding.severity == "info"
    assert finding.title == "iPhone anna set up 6 connections that a kept one would have saved."
    assert "all 6 with a full TLS handshake, 6 requests answered by 401 first" in finding.detail
    assert "about 4 round trips (TCP, TLS, sign-in); together 29 KB and 1.5 s." in finding.detail
    assert finding.frames == (200, 300, 400, 500, 600, 700)


@pytest.mark.parametrize("made", [reconnecting(4), reconnecting(6, gap_s=900.0)], ids=["few", "long apart"])
def test_few_reconnects_and_such_as_nobody_would_have_kept_are_no_finding(made: Made) -> None:
    assert found(made, "DP131") == []


def test_what_is_not_known_of_reconnects_is_left_out() -> None:
    nothing = {"setup_ms": None, "setup_bytes": None, "full_handshake": None, "round_trips": None}
    (finding,) = found(reconnecting(5, **nothing, auth_rounds=0, auth_bytes=0, auth_ms=0.0), "DP131")
    assert finding.detail == (
        "5 connections took the place of one that had ended. Each cost some round trips (TCP). Kept connections would "
        "have cost none of it."
    )


def triggered(**row: Any) -> Made:
    made = Made()
    made.session(heartbeats=0)
    made.connection()
    base = {
        "trigger_id": 1, "time": START, "connection_id": 1, "recipient": "+14255550100@sms.example", "accepted": True,
        "evidence_grade": "likely", "session_id": 1, "transaction_id": 1, "trigger_to_sync_s": 30.0, "frame": 7,
    }  # fmt: skip
    return made.add("sms_triggers", **(base | row))


def test_a_phone_that_follows_its_triggers_is_named() -> None:
    made = triggered().add("sms_triggers", **(triggered().rows["sms_triggers"][0] | {"trigger_to_sync_s": 50.0}))
    request(made, 1.0, "Notify")
    (finding,) = found(made, "DP132")
    assert (finding.severity, finding.title) == ("info", "iPhone anna is most likely woken by SMS, not by push.")
    assert "2 mails to +14255550100@sms.example" in finding.detail
    assert "all 2 were followed by a Sync within three minutes, after 40 s in the median." in finding.detail
    assert finding.detail.endswith("It had registered for them (Notify).")


def test_a_gateway_that_refuses_is_a_warning_and_a_phone_that_is_not_there_is_said() -> None:
    made = triggered(accepted=False, session_id=None, transaction_id=None, trigger_to_sync_s=None)
    (finding,) = found(made, "DP132")
    assert (finding.severity, finding.title) == (
        "warning",
        "+14255550100@sms.example is to be woken by mails that become SMS.",
    )
    assert "The gateway refused the only one." in finding.detail
    assert "No device in this capture follows them" in finding.detail


def test_a_registration_alone_is_told_and_nothing_without_one() -> None:
    made = Made()
    made.session(heartbeats=0)
    request(made, 1.0, "Sync")
    assert found(made, "DP132") == []
    request(made, 2.0, "Notify")
    (finding,) = found(made, "DP132")
    assert finding.title == "iPhone anna registered to be woken by SMS."


def answers(*statuses: int, command: str = "Sync") -> Made:
    made = Made()
    made.session(heartbeats=0)
    made.connection()
    for number, status in enumerate(statuses):
        request(made, float(number), command, status)
    return made


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (answers(200, 401, 401), "does not accept the sign-in of"),
        (answers(403), "does not let in"),
        (answers(449, 449, 449), "wants its policy fulfilled first by"),
        (answers(200, 451), "sends to another address"),
        (answers(457), "says that the password has expired of"),
        (answers(507), "has no room in the mailbox of"),
        (answers(449, 200, 449, 449, 200, 449, 200), "wants its policy fulfilled first by"),  # again and again
    ],
)
def test_a_refusal_that_nothing_follows_is_explained(made: Made, words: str) -> None:
    (finding,) = found(made, "DP133")
    assert (finding.severity, finding.confidence) == ("warning", "proven")
    assert finding.title == f"The server {words} iPhone anna."
    assert finding.advice


@pytest.mark.parametrize(
    "made",
    [
        answers(401, 200, 401, 200, 401, 200, 401, 200),  # some devices wait to be asked each time
        answers(200, 401),  # perhaps the capture ends in the middle of the sign-in
        answers(449, 200),
        answers(403, 200),
        answers(451, 200),
        answers(500, 500, 500),
    ],
)
def test_a_refusal_that_success_follows_is_the_course_of_things(made: Made) -> None:
    assert found(made, "DP133") == []


def test_a_fetched_policy_is_no_fulfilled_policy() -> None:
    made = answers(449)
    request(made, 5.0, "Provision")
    (finding,) = found(made, "DP133")
    assert "Provision apart, nothing of this device succeeded" in finding.detail


def looked_up(directory_ms: float, answer_ms: float, count: int = 1, *, held: bool = False) -> Made:
    made = Made()
    for number in range(1, count + 1):
        made.add(
            "answer_shares", transaction_id=number, session_id=1, held=held, answer_ms=answer_ms, searches=1,
            directory_ms=directory_ms, backend_requests=0, backend_ms=0.0, rest_ms=answer_ms - directory_ms,
        )  # fmt: skip
        made.add(
            "directory_searches", connection_id=1, operation="search", start=START, end=START + S,
            transaction_id=number, server_ip="10.0.0.10", first_frame=number,
        )  # fmt: skip
    return made


@pytest.mark.parametrize(("count", "severity"), [(1, "info"), (3, "warning")])
def test_a_slow_directory_is_named(count: int, severity: str) -> None:
    (finding,) = found(looked_up(900.0, 1000.0, count), "DP134")
    assert finding.severity == severity
    assert "waited for the directory (10.0.0.10)." in finding.title
    assert "0.9 s of an answer in the median, at worst 0.9 s of 1 s" in finding.detail
    assert finding.frames == tuple(range(1, count + 1))


@pytest.mark.parametrize("made", [looked_up(400.0, 420.0), looked_up(900.0, 3000.0)], ids=["fast", "not most of it"])
def test_a_directory_that_is_not_what_the_answer_waits_for_is_quiet(made: Made) -> None:
    assert found(made, "DP134") == []


def test_of_a_held_answer_the_share_says_nothing_but_the_time_does() -> None:
    assert len(found(looked_up(900.0, 480_000.0, held=True), "DP134")) == 1


def behind(*outcomes: str) -> Made:
    made = Made()
    made.connection(client_ip="10.0.0.4", server_ip="10.0.0.5", display_filter="ip.addr==10.0.0.5")
    for number, outcome in enumerate(outcomes):
        made.add(
            "authentications", connection_id=1, leg="back", scheme="ntlm", offered="negotiate, ntlm", rounds=2,
            start=START + number * S, end=START + number * S, outcome=outcome, first_frame=number,
        )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        (("refused",), "1 connection ended with 401"),
        (("accepted", "refused", "refused"), "2 connections ended with 401"),
        (("forbidden", "accepted"), "1 connection got 403"),
    ],
)
def test_a_mailbox_server_that_refuses_is_named(outcomes: tuple[str, ...], words: str) -> None:
    (finding,) = found(behind(*outcomes), "DP135")
    assert finding.title == "The mailbox server 10.0.0.5 refuses the front-end 10.0.0.4."
    assert words in finding.detail
    assert finding.display_filter == "ip.addr==10.0.0.5"


@pytest.mark.parametrize("outcomes", [("accepted",), ("refused", "accepted"), ("unknown",), ()])
def test_a_mailbox_server_that_accepts_in_the_end_is_quiet(outcomes: tuple[str, ...]) -> None:
    assert found(behind(*outcomes), "DP135") == []
