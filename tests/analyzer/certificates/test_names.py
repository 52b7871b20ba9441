"""Which hosts a certificate is for (RFC 9525 6.3)."""

import pytest

from analyzer.certificates.names import covers


@pytest.mark.parametrize(
    ("names", "host", "how"),
    [
        (["mail.test"], "mail.test", "exact"),
        (["mail.test"], "MAIL.test.", "exact"),
        (["web.test", "mail.test"], "mail.test", "exact"),
        (["*.example.com"], "mail.example.com", "wildcard"),
        (["*.example.com", "mail.example.com"], "mail.example.com", "exact"),
        (["*.example.com"], "example.com", None),
        (["*.example.com"], "a.mail.example.com", None),  # the first label only
        (["m*.example.com"], "mail.example.com", None),  # the whole of it
        (["*.com"], "example.com", None),  # nobody issues that
        (["mail.test"], "xmail.test", None),
        ([], "mail.test", None),
        (["*."], "", None),
    ],
)
def test_names_cover_hosts(names: list[str], host: str, how: str | None) -> None:
    assert covers(names, host) == how
