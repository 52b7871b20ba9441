"""What would settle what is still open: one step a verdict."""

from analyzer.findings import surer, verdict
from analyzer.findings.case import Case
from analyzer.tables import read
from analyzer.tables.catalog import findings as catalog
from tests.support.made import Made, healthy, silent_firewall


def steps(made: Made) -> list[str]:
    tables = made.tables()
    case = Case(tables)
    return surer.steps(case, read.rows(case.source("findings")))


def dying(mechanism: str, ended_by: str, cause: str = "unknown", kind: str = "") -> Made:
    made = Made()
    made.wait(20.0)
    for _ in range(3):
        evidence = [{"kind": kind, "detail": "in any words", "frames": []}] if kind else []
        end = {"idle_s": 62.0, "mechanism": mechanism, "ended_by": ended_by, "cause": cause, "evidence": evidence}
        made.wait(62.0, "torn_down", asked=70.0, end=end)
    return made


def test_a_healthy_capture_leaves_nothing_open() -> None:
    assert steps(healthy()) == []


def test_a_silent_path_is_settled_from_its_other_side() -> None:
    assert steps(silent_firewall()) == [surer.OTHER_SIDE]
    assert verdict.build(silent_firewall().tables()).next_steps == (surer.OTHER_SIDE,)


def test_each_kind_of_end_has_its_own_step() -> None:
    assert "between the proxy and the server" in steps(dying("http_error", "middlebox", "proxy_timeout"))[0]
    assert "behind all that is in front of it" in steps(dying("fin", "server_side"))[0]
    assert "sends the resets" in steps(dying("rst", "server_side"))[0]


def test_where_the_advice_asks_for_a_capture_no_other_is_asked_for() -> None:
    """Without a survival no timer is known, and the advice is to capture at the server."""
    made = Made()
    made.wait(62.0, "torn_down", asked=50.0, end={"idle_s": 62.0})
    assert steps(made) == []


def test_idle_or_age_is_settled_by_waits_on_connections_that_were_used_before() -> None:
    (step,) = steps(dying("rst", "middlebox", "idle_timeout", "idle_or_age"))
    assert "carried answers" in step
    assert steps(dying("rst", "middlebox", "idle_timeout", "same_idle")) == [surer.OTHER_SIDE]


def test_no_word_of_a_finding_decides() -> None:
    """The same findings with other sentences lead to the same steps."""
    for made in (silent_firewall(), dying("rst", "server_side"), dying("http_error", "middlebox", "proxy_timeout")):
        case = Case(made.tables())
        findings = read.rows(case.source("findings"))
        reworded = [{**finding, "title": "x", "detail": "y", "advice": "Capture at the server"} for finding in findings]
        assert surer.steps(case, reworded) == surer.steps(case, findings) != []


def test_every_answer_of_a_rule_has_a_step() -> None:
    (column,) = [column for column in catalog.TABLE.columns if column.name == "settled_by"]
    assert {value for _, value in surer._STEPS} == {value for value, _ in column.values}


def test_a_wide_timer_is_halved_by_one_wait() -> None:
    made = Made()
    made.wait(62.0, "torn_down", asked=50.0, end={"idle_s": 62.0})
    made.add("idle_timeouts", path="a → b", clients=1, server_ip="203.0.113.10", low_s=300.0, high_s=900.0, deaths=2)
    assert steps(made) == ["Have a device wait for 600 s on a → b: that halves the interval of its timer."]
