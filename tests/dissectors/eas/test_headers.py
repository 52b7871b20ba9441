"""What statuses and headers mean on EAS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.headers import HttpFacts, http_facts, server_product
from dissectors.events import Request, Response, Transaction


def facts(status: int = 200, asked: dict[str, str] | None = None, **said: str) -> HttpFacts:
    headers = {name.replace("_", "-"): value for name, value in said.items()}
    request = Request(0, 0, 1, 1, "POST", "/", "1.1", asked or {}, None, 0, 0, 0, 0, b"", True)
    response = Response(0, 0, 2, 2, status, "", "1.1", headers, 0, 0, 0, 0, b"", True)
    return http_facts(Transaction(1, 1, request, response))


def test_nothing_said_is_nothing_known() -> None:
    found = facts()
    assert (found.status, found.status_meaning, found.retry_after_s, found.throttle) == (200, "success", None, None)
    assert (found.redirect, found.resync_versions, found.server_product, found.policy_key_set) == (None, (), None, None)


def test_a_missing_side_is_not_an_empty_one() -> None:
    request = Request(0, 0, 1, 1, "POST", "/", "1.1", {"x-ms-policykey": "0"}, None, 0, 0, 0, 0, b"", True)
    found = http_facts(Transaction(1, 1, request, None))
    assert (found.status, found.status_meaning, found.policy_key_set) == (None, None, False)
    response = Response(0, 0, 2, 2, 449, "", "1.1", {}, 0, 0, 0, 0, b"", True)
    assert http_facts(Transaction(1, 1, None, response)).policy_key_set is None


@pytest.mark.parametrize("status", [449, 451, 456, 457, 503, 507])
def test_the_statuses_of_eas_have_a_meaning(status: int) -> None:
    assert "unknown" not in (facts(status).status_meaning or "unknown")


def test_a_busy_server_says_when_to_come_back() -> None:
    date = "Sat, 21 Nov 2026 23:26:00 GMT"
    assert facts(503, retry_after="120").retry_after_s == 120
    assert facts(503, retry_after="0").retry_after_s == 0
    assert facts(503, retry_after="Sat, 21 Nov 2026 23:30:00 GMT", date=date).retry_after_s == 240
    assert facts(503, retry_after="Sat, 21 Nov 2026 23:20:00 GMT", date=date).retry_after_s == 0


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "1.5", "٣", "Sat, 99 Nov 2026 23:30:00 GMT", "Sat, 21 Nov 2026 23:30:00 -0000"]
)
def test_a_time_to_come_back_that_is_none_is_not_said(value: str) -> None:
    assert facts(503, retry_after=value, date="Sat, 21 Nov 2026 23:26:00 GMT").retry_after_s is None


def test_a_date_without_the_servers_own_says_nothing() -> None:
    assert facts(503, retry_after="Sat, 21 Nov 2026 23:30:00 GMT").retry_after_s is None


def test_a_server_that_throttles_says_why() -> None:
    assert facts(200, x_ms_asthrottle="CommandFrequency").throttle == "CommandFrequency"
    assert facts(200, x_ms_asthrottle="x" * 1000).throttle == "x" * 256


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "https://mail.example.com/Microsoft-Server-ActiveSync",
            "https://mail.example.com/Microsoft-Server-ActiveSync",
        ),
        ("https://mail.example.com/x?Cmd=Ping&User=anna", "https://mail.example.com/x"),
        ("https://anna:secret@mail.example.com:8443/x", "https://mail.example.com:8443/x"),
        ("https://[2001:db8::1]:443/x", "https://[2001:db8::1]:443/x"),
        ("", None),
        ("/relative", None),
        ("https://[broken/x", None),
        ("https://host:99999999/x", None),
    ],
)
def test_a_redirect_is_an_address_without_users(value: str, expected: str | None) -> None:
    assert facts(451, x_ms_location=value).redirect == expected


def test_versions_and_commands_offered_are_lists() -> None:
    found = facts(ms_asprotocolversions="2.5,12.0 ,16.1,", ms_asprotocolcommands="Sync,Ping", x_ms_rp="14.0,14.1")
    assert found.versions_offered == ("2.5", "12.0", "16.1")
    assert (found.commands_offered, found.resync_versions) == (("Sync", "Ping"), ("14.0", "14.1"))
    assert len(facts(x_ms_rp="1," * 10_000).resync_versions) == 100


@pytest.mark.parametrize(
    ("build", "product"),
    [
        ("6.5.7638.1", "Exchange 2003"),
        ("8.1", "Exchange 2007 SP1"),
        ("14.3", "Exchange 2010 SP3"),
        ("15.1", "Exchange 2016"),
        ("15.20.8093.16", "Exchange Online"),
        ("99.9", None),
        ("", None),
    ],
)
def test_a_build_tells_the_product(build: str, product: str | None) -> None:
    assert server_product(build) == product


def test_z_push_is_told_although_it_claims_a_build_of_exchange() -> None:
    found = facts(ms_server_activesync="14.0", x_z_push_version="2.7.1")
    assert (found.server_build, found.server_product) == ("14.0", "Z-Push")


def test_passwords_that_expire_are_told() -> None:
    found = facts(x_ms_credentials_expire="3", x_ms_credential_service_url="https://mail.example.com/owa")
    assert (found.password_expires_days, found.password_service) == (3, True)


def test_the_wishes_of_a_request_are_told_and_its_policy_key_is_not() -> None:
    found = facts(
        asked={
            "x-ms-policykey": "3942919513",
            "ms-asacceptmultipart": "T",
            "accept-encoding": "gzip, deflate",
            "content-encoding": "gzip",
        },
        content_encoding="deflate",
    )
    assert (found.policy_key_set, found.accept_multipart, found.offered_codings) == (True, True, ("gzip", "deflate"))
    assert (found.request_coding, found.response_coding) == ("gzip", "deflate")
    assert "3942919513" not in repr(found)


@given(st.text(max_size=60))
def test_any_values_are_read(value: str) -> None:
    facts(503, asked={"x-ms-policykey": value}, retry_after=value, date=value, x_ms_location=value, x_ms_rp=value)
