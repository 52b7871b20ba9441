"""Call-Back URIs: `httpu://host:port[/path]`."""

import pytest

from dissectors.notify.call_back import CallBack, parse_call_back


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("httpu://fe1.corp.example:2883/42", ("httpu", "fe1.corp.example", 2883, "/42")),
        ("HTTPU://FE1:2883", ("httpu", "fe1", 2883, "")),  # KDE sends no path
        ("httpu://10.0.0.4:4711/a/b?c", ("httpu", "10.0.0.4", 4711, "/a/b?c")),
        ("httpu://[fe80::1]:2883/", ("httpu", "fe80::1", 2883, "/")),
        ("<httpu://fe1:2883/x>", ("httpu", "fe1", 2883, "/x")),
        ("httpu://fe1/42", ("httpu", "fe1", None, "/42")),  # the port is mandatory: not there
        ("httpu://fe1:0/", ("httpu", "fe1", None, "/")),
        ("httpu://fe1:65536/", ("httpu", "fe1", None, "/")),
    ],
)
def test_parts(text: str, parts: tuple[str, str, int | None, str]) -> None:
    assert parse_call_back(text) == CallBack(*parts)


@pytest.mark.parametrize(
    "text", ["", "fe1:2883", "httpu://", "httpu://a b:1/", "httpu://u@h:1/", "httpu://h:123456", "*"]
)
def test_no_such_uri(text: str) -> None:
    assert parse_call_back(text) is None


def test_very_long_one_is_none() -> None:
    assert parse_call_back("httpu://h:1/" + "x" * 5000) is None
