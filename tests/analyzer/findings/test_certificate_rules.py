"""DP140 to DP149 on made tables: of whom they speak, how loudly, and when they stay quiet."""

from typing import Any

import pytest

from analyzer.certificates.endpoints import STRANGERS
from analyzer.explain import explain
from analyzer.findings import Finding, all_rules, run
from tests.support.made import Made, healthy

CODES = [f"DP{number}" for number in range(140, 150)]
MAIL = {"server_ip": "203.0.113.10", "server_port": 443, "server_name": "mail.example.com"}
DETAILS = {
    "missing_intermediate": '1 certificate was sent; that of "mail" was issued by "R3", whose certificate was not',
    "unknown_root": 'the chain leads to "Corp Root"',
    "self_signed": 'the certificate "mail" was signed by nobody but itself',
    "name_mismatch": "it was asked for mail.example.com and is for web.example.com",
    "common_name_only": "mail.example.com stands in it as common name only",
    "expired": '"mail" was valid until 2024-03-01 00:00 UTC',
    "not_yet_valid": '"mail" is valid only from 2030-01-01 00:00 UTC on',
    "wildcard": "it is for *.example.com",
    "weak_key": 'the RSA key of "mail" has only 1024 bits',
    "weak_signature": '"mail" is signed with SHA-1',
}
RULES = {
    "missing_intermediate": "DP140", "unknown_root": "DP141", "self_signed": "DP141", "name_mismatch": "DP142",
    "common_name_only": "DP142", "expired": "DP143", "not_yet_valid": "DP143", "wildcard": "DP144",
    "weak_key": "DP145", "weak_signature": "DP145",
}  # fmt: skip


def shows(made: Made, *kinds: str, alerts: dict[int, int] | None = None, grade: str = "likely", **row: Any) -> Made:
    """One more row: a chain with these problems, and clients' alerts with their number."""
    said = [{"alert": alert, "name": "", "times": times} for alert, times in (alerts or {}).items()]
    chain = next(
        (kind for kind in kinds if kind in ("missing_intermediate", "unknown_root", "self_signed")), "complete"
    )
    base = {
        "chain_id": len(made.rows["certificates"]) + 1, "names": [], "issuer_url": "http://r3.test/", "root": "R3",
        "chain_length": 1, "chain": chain, "tls_versions": ["TLS 1.2"], "connections": 4,
        "problems": [{"kind": kind, "detail": DETAILS[kind], "grade": grade} for kind in kinds],
        "refusals": sum((alerts or {}).values()), "abandoned": 0, "client_alerts": said, "server_alerts": [],
        "client_certificates": 0, "client_refusals": [], "frames": [41] if said else [], "client_refusal_frames": [],
        "first_seen": 1_700_000_000 * 10**9, "last_seen": 1_700_000_100 * 10**9, "connection_id": 1, "first_frame": 11,
    }  # fmt: skip
    return made.add("certificates", **(MAIL | base | row))


def found(made: Made) -> list[Finding]:
    return [finding for finding in run(made.tables(judged=False)) if finding.code in CODES]


def failing() -> Made:
    """A capture in which no Exchange ActiveSync was seen."""
    made = Made()
    made.connection(eas_evidence="none", decryption="encrypted")
    return made


def test_without_certificates_nothing_is_said() -> None:
    assert found(healthy()) == []
    assert found(failing()) == []
    assert found(shows(healthy())) == []


@pytest.mark.parametrize("kind", [kind for kind in RULES if kind != "wildcard"])
def test_a_problem_nobody_minds_is_told_quietly(kind: str) -> None:
    (finding,) = found(shows(healthy(), kind))
    assert (finding.code, finding.severity, finding.frames) == (RULES[kind], "info", (11,))
    assert "No client refused it here (4 connections)." in finding.detail
    assert finding.title.count("mail.example.com (203.0.113.10)") == 1
    assert finding.display_filter is not None


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("alert", [42, 46])
def test_a_problem_that_clients_answer_is_a_warning(kind: str, alert: int) -> None:
    made = shows(healthy(), kind, alerts={alert: 3})
    (finding,) = found(made)
    assert (finding.code, finding.severity, finding.frames) == (RULES[kind], "warning", (41,))
    assert f"Clients refused it in 3 of 4 connections with alert {alert} " in finding.detail


def test_an_answer_that_does_not_fit_the_problem_is_told_for_itself() -> None:
    findings = found(shows(healthy(), "unknown_root", alerts={44: 2}))
    assert [(one.code, one.severity) for one in findings] == [("DP147", "warning"), ("DP141", "info")]
    assert "It was revoked, the client says." in findings[0].detail
    assert "No client refused it here" in findings[1].detail


def test_one_client_that_leaves_once_may_have_any_reason() -> None:
    assert [one.severity for one in found(shows(healthy(), "unknown_root", abandoned=1))] == ["info"]
    assert [one.severity for one in found(shows(healthy(), "unknown_root", abandoned=2))] == ["warning"]
    assert [one.severity for one in found(shows(healthy(), "unknown_root", abandoned=1, connections=1))] == ["warning"]
    assert found(shows(healthy(), abandoned=1)) == []


def test_servers_that_are_no_business_of_push_are_left_alone() -> None:
    web = {"server_ip": "198.51.100.7", "server_name": "web.example.com"}
    assert found(shows(healthy(), "unknown_root", **web)) == []
    (finding,) = found(shows(healthy(), "unknown_root", alerts={48: 1}, **web))
    assert finding.severity == "info"  # perhaps an app that is pinned
    (finding,) = found(shows(healthy(), "unknown_root", alerts={48: 1}, **(web | {"server_name": MAIL["server_name"]})))
    assert finding.severity == "warning"  # another address of the same name


def test_where_no_activesync_was_seen_every_server_may_be_the_one() -> None:
    made = failing()
    for number in range(9):
        shows(made, "unknown_root", server_ip=f"198.51.100.{number}", alerts={48: 1} if number == 8 else None)
    findings = found(made)
    assert len(findings) == STRANGERS
    assert [one.severity for one in findings] == ["warning", "info", "info"]
    assert "198.51.100.8" in findings[0].title


def test_chains_of_one_endpoint_are_one_finding() -> None:
    made = shows(shows(healthy(), "expired", alerts={45: 1}), "expired", server_name="autodiscover.example.com")
    (finding,) = found(made)
    assert (
        finding.title == "The certificate of mail.example.com and autodiscover.example.com (203.0.113.10) had expired."
    )
    assert (
        "Clients refused it in 1 of 8 connections with alert 45 (certificate_expired), see frame 41." in finding.detail
    )


def test_a_refusal_in_tls_13_is_explained_by_the_chain_that_another_client_was_shown() -> None:
    hidden = {"chain": "not_seen", "chain_length": None, "problems": [], "tls_versions": ["TLS 1.3"]}
    made = shows(shows(healthy(), "missing_intermediate"), alerts={48: 2}, **hidden)
    (finding,) = found(made)
    assert (finding.code, finding.severity) == ("DP140", "warning")
    (finding,) = found(shows(healthy(), alerts={48: 2}, **hidden))
    assert finding.code == "DP147"


def test_an_issuer_that_may_be_a_root_is_not_called_an_intermediate() -> None:
    (finding,) = found(shows(healthy(), "missing_intermediate", grade="possible"))
    assert "seems not to send" in finding.title
    assert 'If "R3" is a root of your own and no intermediate, the devices need it instead.' in finding.detail
    (finding,) = found(shows(healthy(), "missing_intermediate", grade="proven"))
    assert "does not send its intermediate certificate" in finding.title
    assert finding.advice is not None
    assert "It can be had at http://r3.test/." in finding.advice


@pytest.mark.parametrize(
    ("row", "spoken"),
    [
        ({}, False),
        ({"tls_versions": ["TLS 1.1"]}, False),
        ({"tls_versions": ["TLS 1.2", "TLS 1.0"]}, True),
        ({"server_name": None}, True),
        ({"alerts": {42: 1}}, True),
    ],
)
def test_a_wildcard_matters_to_old_devices_only(row: dict[str, Any], spoken: bool) -> None:
    assert ("DP144" in {one.code for one in found(shows(healthy(), "wildcard", **row))}) == spoken


def test_an_old_version_is_the_servers_where_nothing_newer_was_agreed_on() -> None:
    made = Made()
    made.connection(tls_version="TLS 1.0")
    (finding,) = found(shows(made, tls_versions=["TLS 1.0"]))
    assert (finding.code, finding.severity) == ("DP146", "info")
    assert "No connection agreed on anything newer." in finding.detail
    made.connection(tls_version="TLS 1.3")  # whose certificate was not seen
    (finding,) = found(made)
    assert "it is the clients that are old" in finding.detail
    assert finding.advice is None


def test_what_a_server_refuses_is_told_by_its_own_words() -> None:
    hello = [{"alert": 70, "name": "protocol_version", "times": 2}]
    (finding,) = found(shows(healthy(), server_alerts=hello, chain="not_seen", frames=[41, 52]))
    assert (finding.code, finding.severity, finding.frames) == ("DP148", "warning", (41, 52))
    assert "It refused 2 hellos with alert 70 (protocol_version): it does not speak" in finding.detail
    refused = [{"alert": 48, "name": "unknown_ca", "times": 1}]
    (finding,) = found(shows(healthy(), client_refusals=refused, client_refusal_frames=[60], client_certificates=1))
    assert (finding.code, finding.frames) == ("DP149", (60,))
    assert "1 client showed a certificate" in finding.detail


def test_what_other_servers_refuse_is_no_business_of_push() -> None:
    hello = [{"alert": 40, "name": "handshake_failure", "times": 1}]
    directory = {"server_ip": "10.0.0.10", "server_port": 3269, "server_name": None, "chain": "not_seen"}
    assert found(shows(healthy(), server_alerts=hello, **directory)) == []
    (finding,) = found(shows(failing(), server_alerts=hello, **directory))
    assert finding.title == "10.0.0.10:3269 turns clients away."


@pytest.mark.parametrize("code", CODES)
def test_every_rule_has_its_page(code: str) -> None:
    assert code in {rule.CODE for rule in all_rules()}
    assert "When it is wrong" in explain(code)


def test_names_from_the_capture_cannot_steer_a_terminal() -> None:
    made = shows(healthy(), "unknown_root", server_name="mail\x1b[2J\u202e.test", root="R\x1b3")
    made.rows["certificates"][0]["problems"][0]["detail"] = "leads to \x1b[31m"
    (finding,) = found(made)
    assert not any(char in f"{finding.title}{finding.detail}{finding.advice}" for char in "\x1b\u202e")
