"""Heads that are compared with earlier ones: the same answers as from the reader of whole heads, or none."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER
from dissectors.http import HttpConnection, templates
from dissectors.http.heads import OddHead, parse_fields, parse_request
from dissectors.http.templates import MAX_TEMPLATES, NOTHING, Template, Templates, learn
from tests.dissectors.http.dialogue import request, response

LINE = b"HTTP/1.1 200 OK"


def block(*lines: str) -> bytes:
    """From the CRLF behind a start line to the empty line."""
    return "".join(f"\r\n{line}" for line in lines).encode("latin-1") + b"\r\n\r\n"


def learned(raw: bytes, known: Templates = ()) -> tuple[Template, Templates]:
    return learn(raw, parse_fields(raw[2:-4], True), known, CLIENT)


def usual(number: int, extra: str = "x") -> bytes:
    return block(
        "Server: IIS", f"Date: day {number}", f"request-id: {number * 7}", f"X-A: {extra}", f"Content-Length: {number}"
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_what_differs_in_changing_values_is_read_like_a_new_head(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "PATTERN_AFTER", 1 if compiled else 10**9)
    monkeypatch.setattr(templates, "_shared", {})
    template, _ = learned(usual(1))
    for number in (2, 30, 99, 1):
        raw = usual(number)
        assert template.match(LINE + raw + b"body", len(LINE)) == (*parse_fields(raw[2:-4], True), len(LINE + raw))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"IIS", b"iis"),  # a value that was the same so far
        (b": 5\r", b": 5x\r"),
        (b": 5\r", b": " + b"9" * 19 + b"\r"),
        (b": 5\r", b":\r"),
        (b"5\r\n\r\n", b"5\r\nX-B: 1\r\n\r\n"),
        (b"day 5", b"day\n5"),  # a bare line feed
        (b"day 5", b"day\r\n 5"),  # a folded value
        (b"day 5", b"day\0"),
        (b"day 5", b"day " + b"5" * 600),
        (b"Date", b"Data"),
        (b"Content-Length", b"Content-length"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_any_other_difference_is_no_match(
    compiled: bool, before: bytes, after: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "PATTERN_AFTER", 1 if compiled else 10**9)
    monkeypatch.setattr(templates, "_shared", {})
    template, _ = learned(usual(1))
    assert template.match(LINE + usual(2), len(LINE)) is not None
    assert template.match(LINE + usual(5), len(LINE)) is not None
    assert before in usual(5)
    assert template.match(LINE + usual(5).replace(before, after), len(LINE)) is None


@given(st.lists(st.tuples(st.text(max_size=6), st.text("ab \t\r\n\0\xe9", max_size=6)), min_size=1, max_size=6))
def test_a_match_is_never_another_answer_than_that_of_a_new_head(values: list[tuple[str, str]]) -> None:
    """Whatever the values: what two templates (looked at part by part, and compiled) answer is what parsing answers."""
    first, _ = learned(usual(1))
    second, _ = learned(usual(1))
    second._pattern = second._compiled()
    for date, extra in values:
        raw = usual(5, extra.strip() or "x").replace(b"day 5", date.encode("latin-1", "replace"))
        end = raw.find(b"\r\n\r\n") + 4
        try:
            expected = (*parse_fields(raw[2 : end - 4], True), len(LINE) + end)
        except OddHead:
            expected = None
        for template in (first, second):
            assert template.match(LINE + raw, len(LINE)) in (None, expected)


def test_the_one_value_that_changes_is_read_once_and_remembered_in_bounded_number() -> None:
    template, _ = learned(block("Server: IIS", "Content-Length: 1"))
    for number in (1, 20, 1, 20, *range(2 * templates.MAX_READINGS), 20):
        raw = block("Server: IIS", f"Content-Length: {number}")
        found = template.match(LINE + raw + b"body", len(LINE))
        assert found == (*parse_fields(raw[2:-4], True), len(LINE + raw))
        again = template.match(LINE + raw, len(LINE))
        assert found is not None
        assert again is not None
        assert again[0] is found[0]
        assert len(template._readings) <= templates.MAX_READINGS
    for odd in ("", " ", "-1", "1x", "9" * 19, "1\0"):
        assert template.match(LINE + block("Server: IIS", f"Content-Length:{odd}"), len(LINE)) is None


def test_values_that_differ_between_heads_are_learned() -> None:
    _, known = learned(usual(1, "one"))
    template, known = learned(usual(2, "two"), known)
    assert known == (template,)
    assert template.changing == {"date", "request-id", "x-a", "content-length"}
    assert template.match(LINE + usual(3, "three"), len(LINE)) is not None


def test_what_decides_how_a_body_is_read_stays_apart() -> None:
    _, known = learned(block("Content-Type: text/html", "Content-Length: 1"))
    _, known = learned(block("Content-Type: application/vnd.ms-sync.wbxml", "Content-Length: 1"), known)
    assert [template.headers["content-type"] for template in known] == ["application/vnd.ms-sync.wbxml", "text/html"]
    assert all(template.changing == {"content-length"} for template in known)


def test_secrets_stay_reduced_when_they_change() -> None:
    _, known = learned(block("Cookie: a=one", "X-MS-PolicyKey: 123456"))
    template, _ = learned(block("Cookie: a=other", "X-MS-PolicyKey: 0"), known)
    for compiled in (None, template._compiled()):
        template._pattern = compiled
        match = template.match(LINE + block("Cookie: a=thirdone", "X-MS-PolicyKey: 777"), len(LINE))
        assert match is not None
        assert match[0] == {"cookie": "(10 bytes)", "x-ms-policykey": "(set)"}


def test_connections_share_what_is_the_same_and_keep_few() -> None:
    first, _ = learned(usual(1))
    second, _ = learned(usual(2))
    assert first is second
    known: Templates = ()
    for number in range(20):
        _, known = learned(block(f"X-{number}: 1"), known)
    assert len(known) == MAX_TEMPLATES
    assert learned(block("X-Long: " + "x" * 5000), known) == (NOTHING, known)


def test_a_connection_begins_with_what_others_learned_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_shared", {})
    monkeypatch.setattr(templates, "_latest", [(), ()])
    dialogue = [(CLIENT, request("POST", "/", b"abc")), (SERVER, response(200, b"ok"))]
    found = []
    for frame in (1, 2):
        connection = HttpConnection(1, lambda *_: True)
        for side, raw in dialogue:
            found += connection.feed(side, raw, frame, frame, frame, frame, len(raw))
        assert (connection.protocol, connection._client.seen, connection._server.seen) == ("http/1.1", True, True)
        monkeypatch.setattr("dissectors.http.connection.learn", None)  # the second one needs it no more
    first, second = (each._replace(request=None, response=None) for each in found)
    assert first == second
    assert found[0].request is not None
    assert found[1].request is not None
    assert found[0].request.headers == found[1].request.headers


def test_what_a_request_says_is_not_taken_for_what_an_answer_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same fields on both sides: only in a request are they somebody's name."""
    monkeypatch.setattr(templates, "_shared", {})
    raw = block("Authorization: Basic YTpi", "Content-Length: 0")
    learn(raw, parse_fields(raw[2:-4], False), (), SERVER)
    template, _ = learn(raw, parse_fields(raw[2:-4], True), (), CLIENT)
    match = template.match(LINE + raw, len(LINE))
    assert match is not None
    assert match[1] == "a"


def test_a_head_without_fields_after_one_that_is_not_kept_has_none() -> None:
    connection = HttpConnection(1, lambda *_: True)
    large = request("GET", "/", headers="Authorization: Basic YTpi\r\nX-Long: " + "x" * 5000 + "\r\n")
    for number, raw in enumerate((large, b"GET / HTTP/1.1\r\n\r\n"), 1):
        connection.feed(CLIENT, raw, number, number, number, number, len(raw))
    _, second = connection.close(9)
    assert second.request is not None
    assert (second.request.headers, second.request.user) == ({}, None)


def test_heads_of_one_connection_do_not_mix() -> None:
    """Ping and Sync in turn, answers with and without coding: each is read as if it were alone."""
    connection = HttpConnection(1, lambda *_: True)
    done = []
    for number in range(40):
        asked = request(target=f"/Microsoft-Server-ActiveSync?Cmd={('Ping', 'Sync')[number % 2]}", body=b"q" * number)
        answer = response(
            headers=f"Date: {number}\r\n" + "Content-Encoding: identity\r\n" * (number % 3 == 0), body=b"a" * number
        )
        done += connection.feed(CLIENT, asked, 1, 1, 1, 1, len(asked))
        done += connection.feed(SERVER, answer, 2, 2, 2, 2, len(answer))
        head = parse_request(asked[: asked.index(b"\r\n\r\n")])
        assert done[-1].request is not None
        assert done[-1].response is not None
        assert (done[-1].request.target, done[-1].request.headers) == (head.target, head.headers)
        assert done[-1].response.headers["date"] == str(number)
        assert ("content-encoding" in done[-1].response.headers) == (number % 3 == 0)
        assert (done[-1].request.body, done[-1].response.body) == (b"q" * number, b"a" * number)
    assert len(done) == 40


def test_a_connection_is_freed_without_the_cycle_collector() -> None:
    """The collector is off while captures are read."""
    connection = HttpConnection(1)
    for side, raw in (
        (CLIENT, request(body=b"abc")),
        (SERVER, response(body=b"x" * 9)),
        (CLIENT, request(body=b"abc")),
    ):
        connection.feed(side, raw[:-4], 1, 1, 1, 1, 1)
        connection.feed(side, raw[-4:], 1, 1, 1, 1, 1)
    connection.close(2)
    gc.collect()
    gc.disable()
    try:
        del connection
        assert gc.collect() == 0
    finally:
        gc.enable()
