"""Each rule with one capture that fires it and a near miss that stays quiet; no accusation beyond the evidence."""

from typing import Any

import pytest

from analyzer.findings import Finding, all_rules, run
from tests.support.made import Made, healthy, silent_firewall


def found(made: Made, code: str) -> list[Finding]:
    return [finding for finding in run(made.tables(judged=False)) if finding.code == code]


def dying(count: int, *, held: float = 62.0, lived: tuple[float, ...] = (15.0, 20.5), **end: Any) -> Made:
    """Some waits that live, then some that die in one way."""
    made = Made()
    for seconds in lived:
        made.wait(seconds)
    for _ in range(count):
        made.wait(held, "torn_down", asked=50.0, end={"idle_s": held} | end)
    return made


def test_healthy_capture_has_no_finding() -> None:
    assert run(healthy().tables(judged=False)) == []


def test_silence_beyond_one_idle_time_is_said_to_be_something_on_the_way() -> None:
    (finding,) = found(silent_firewall(), "DP101")
    assert (finding.severity, finding.title, finding.confidence) == ("error", "Push is being cut on the way.", "likely")
    assert (
        "Every wait idle for up to 21 s got through (7 of 7); none idle for 62 s or more did (0 of 3)."
        in finding.detail
    )
    assert "after more than 21 s and at most 62 s (3 deaths, 7 survivals)" in finding.detail
    assert finding.advice is not None
    assert finding.advice.endswith("maximum heartbeat to 21 s or less until then.")
    assert finding.frames == (51, 71, 91)


@pytest.mark.parametrize(
    "made",
    [
        dying(1),  # one death
        dying(3, held=15.0),  # as long got through
        dying(3, ended_by="unknown"),  # nobody is named by the evidence
        dying(3, lived=()),  # nothing to compare with
    ],
    ids=["one", "as long lived", "unknown", "none lived"],
)
def test_silence_without_a_threshold_accuses_nobody(made: Made) -> None:
    (finding,) = found(made, "DP101")
    assert "forgets" not in finding.detail
    assert "cut on the way" not in finding.title


def test_keepalives_make_idle_time_unknown() -> None:
    made = dying(3)
    for row in made.rows["connections"]:
        row["keepalives"] = 4
    (finding,) = found(made, "DP101")
    assert "nothing can be said about a timer" in finding.detail


def test_resets_are_laid_at_the_door_that_the_evidence_shows() -> None:
    titles = {}
    for ended_by in ("middlebox", "server_side", "unknown"):
        (finding,) = found(dying(3, mechanism="rst", ended_by=ended_by), "DP102")
        titles[ended_by] = finding.title
    assert titles == {
        "middlebox": "Push is being cut on the way.",
        "server_side": "The server's side resets push waits.",
        "unknown": "Push waits are reset early.",
    }
    assert found(silent_firewall(), "DP102") == []


def test_gateway_error_after_one_time_is_a_proxy_timeout() -> None:
    made = dying(4, held=25.0, mechanism="http_error", ended_by="middlebox", cause="proxy_timeout")
    for row in made.rows["heartbeats"]:
        row["http_status"] = 504 if row["outcome"] == "torn_down" else 200
    (finding,) = found(made, "DP103")
    assert finding.title == "A proxy gives up on push waits before the server answers."
    assert "HTTP 504 (4 times)" in finding.detail
    assert "after 25 s each time" in finding.detail
    assert found(silent_firewall(), "DP103") == []


def test_gateway_errors_of_which_nobody_knows_how_long_they_took_are_told_all_the_same() -> None:
    made = dying(2, held=25.0, mechanism="http_error", ended_by="middlebox", cause="proxy_timeout")
    for row in made.rows["heartbeats"]:
        row["held_s"] = None if row["outcome"] == "torn_down" else row["held_s"]
    (finding,) = found(made, "DP103")
    assert finding.title == "A proxy gives up on push waits before the server answers."
    assert "came after" not in finding.detail


def test_gateway_errors_as_short_as_what_lived_are_no_timeout() -> None:
    (finding,) = found(dying(2, held=5.0, mechanism="http_error", ended_by="middlebox"), "DP103")
    assert finding.title == "A proxy answers push waits with errors."


def test_server_that_stops_is_not_a_timer() -> None:
    (finding,) = found(dying(2, mechanism="fin", ended_by="server_side", cause="server_stop"), "DP104")
    assert finding.title == "The server stopped while devices were waiting."
    assert "timer" not in (finding.advice or "")
    (finding,) = found(dying(3, held=40.0, mechanism="fin", ended_by="server_side", cause="endpoint_close"), "DP104")
    assert "so that endpoint has a timer" in finding.detail


def test_device_that_ends_its_own_waits_is_nobodys_fault() -> None:
    made = Made()
    made.wait(90.0)
    made.wait(12.0, "replaced", asked=90.0)
    (finding,) = found(made, "DP105")
    assert finding.severity == "info"
    assert "1 of 2 waits" in finding.detail
    assert found(healthy(), "DP105") == []


def test_one_error_is_negotiation_and_the_same_again_and_again_is_not() -> None:
    once, often = Made(), Made()
    for _ in range(4):
        once.wait(30.0)
        often.wait(0.1, "error", ping_status=3)
    once.wait(0.1, "error", ping_status=5)
    (finding,) = found(once, "DP106")
    assert finding.severity == "info"
    (finding,) = found(often, "DP106")
    assert (finding.severity, finding.detail) == ("warning", "4 of 4 waits: status 3 (4 times).")


def test_device_that_went_away_is_not_laid_on_the_path() -> None:
    made = dying(2, cause="device_lost")
    assert [finding.severity for finding in found(made, "DP107")] == ["info"]
    assert found(made, "DP101") == []


def test_encrypted_connections_are_told_with_their_reason_and_remedy() -> None:
    made = healthy()
    made.connection(decryption="encrypted", why_encrypted="no_key")
    (finding,) = found(made, "DP110")
    assert "--keylog" in (finding.advice or "")
    made = healthy()
    made.connection(decryption="encrypted", why_encrypted="no_handshake")
    (finding,) = found(made, "DP110")
    assert "Begin the capture before" in (finding.advice or "")
    assert found(healthy(), "DP110") == []


@pytest.mark.parametrize("hole", [{"missing_bytes": 7000}, {"truncated_frames": 3}, {"complete": False}])
def test_holes_are_told(hole: dict[str, Any]) -> None:
    (finding,) = found(healthy().capture(**hole), "DP111")
    assert finding.severity == "warning"


def test_unknown_number_of_missing_bytes_is_no_hole() -> None:
    assert found(healthy().capture(missing_bytes=None, truncated_frames=None, complete=None), "DP111") == []


def test_few_deaths_among_many_waits_are_a_warning() -> None:
    assert [finding.severity for finding in found(dying(2, lived=(15.0,) * 60), "DP101")] == ["warning"]


def test_worst_comes_first() -> None:
    made = silent_firewall().capture(truncated_frames=3)
    made.connection(decryption="encrypted", why_encrypted="no_key")
    assert [finding.severity for finding in run(made.tables(judged=False))] == ["error", "warning", "info"]


def test_codes_are_in_order_and_match_their_files() -> None:
    codes = [rule.CODE for rule in all_rules()]
    assert codes == sorted(codes)
    assert all(rule.__name__.rsplit(".", 1)[1].startswith(rule.CODE.lower()) for rule in all_rules())


def adapting(**row: Any) -> Made:
    made = Made()
    made.wait(480.0)
    steps = [{"requested_s": 480.0, "waits": 4, "deaths": 0}, {"requested_s": 780.0, "waits": 4, "deaths": 4}]
    base = {"session_id": 1, "path": "a → b", "waits": 8, "steps": steps, "current_s": 780.0, "mean_s": 500.0}
    said = {"algorithm": "android_2013", "prospect": "swings", "ends_at_s": 480.0, "mean_of": 8, "server_warns": True}
    return made.add("adaptations", **base | said | row)


def test_a_device_that_tries_again_and_again_is_told() -> None:
    (finding,) = found(adapting(), "DP108")
    assert "480 s lives here, and each attempt at more dies (4 waits so far)" in finding.detail
    assert "3033" not in finding.detail
    (finding,) = found(adapting(mean_of=200), "DP108")
    assert "3033" in finding.detail
    (finding,) = found(adapting(prospect="dies", ends_at_s=None), "DP108")
    assert "asks for nothing shorter" in finding.detail


def test_a_device_that_never_changes_its_interval_is_not_said_to_look_for_one() -> None:
    steps = [{"requested_s": 780.0, "waits": 4, "deaths": 4}]
    (finding,) = found(adapting(algorithm="fixed", prospect="dies", ends_at_s=None, steps=steps), "DP108")
    assert "keeps to an interval that dies here" in finding.title
    assert "asked for the same interval each time" in finding.detail


@pytest.mark.parametrize(
    "row",
    [
        {"prospect": "settles", "algorithm": "fixed"},
        {"prospect": "unknown"},
        {"algorithm": "unknown"},
        {"steps": [{"requested_s": 480.0, "waits": 4, "deaths": 0}]},  # nothing died
    ],
)
def test_a_device_without_trouble_or_pattern_is_not_spoken_of(row: dict[str, Any]) -> None:
    assert found(adapting(**row), "DP108") == []


def test_resets_at_one_age_are_no_idle_timer() -> None:
    made = dying(3, mechanism="rst", ended_by="middlebox", cause="maximum_age")
    (finding,) = found(made, "DP102")
    assert "forgets idle" not in finding.detail
    assert "ended at the same age" in finding.detail


def test_a_timer_with_a_probability_is_said_as_an_interval() -> None:
    made = dying(3, mechanism="rst", ended_by="middlebox", held=301.0, lived=(290.0, 20.0))
    made.add(
        "idle_timeouts", path="a → b", clients=1, server_ip="203.0.113.10", low_s=298.0, high_s=301.0, deaths=3,
        survivals=2, confidence=0.9,
    )  # fmt: skip
    (finding,) = found(made, "DP102")
    assert "forgets idle TCP connections after 298-301 s (3 resets, 2 survivals, at least 90 % sure)" in finding.detail
