"""Endpoints and times are written one way."""

import pytest

from analyzer.texts import endpoint, rfc3339, utc


@pytest.mark.parametrize(
    ("ip", "port", "said"),
    [
        ("203.0.113.10", 443, "203.0.113.10:443"),
        ("2001:db8::1", 443, "[2001:db8::1]:443"),
        ("2001:db8::1", None, "2001:db8::1"),
        ("203.0.113.10", None, "203.0.113.10"),
    ],
)
def test_an_ipv6_address_with_a_port_has_brackets(ip: str, port: int | None, said: str) -> None:
    assert endpoint(ip, port) == said


@pytest.mark.parametrize("ns", [0, 1, -1, 1_795_303_580_123_456_789, 2**63 - 1])
def test_no_nanosecond_of_a_time_is_lost(ns: int) -> None:
    import numpy as np

    assert rfc3339(ns) == f"{np.datetime64(ns, 'ns')}Z"
    assert utc(ns) == str(np.datetime64(ns, "ns")).replace("T", " ")
