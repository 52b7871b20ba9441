"""Numbers and names as a person says them."""

import pytest

from analyzer.findings import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (4.24, "4.2 s"), (4.0, "4 s"), (9.96, "10 s"), (298.4, "298 s"), (900, "900 s"), (1680, "28 min"),
        (2880, "48 min"), (7200, "2 h"), (9660, "2 h 41 min"),
    ],
)  # fmt: skip
def test_span(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


def test_two_spans_share_their_unit_where_they_can() -> None:
    assert words.spans(298, 302) == "298-302 s"
    assert words.spans(900, 1800) == "900 s to 30 min"
    assert words.spans(25.1, 25.2) == "25 s"


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (38_400, "38 KB"), (1_940_000, "1.9 MB"), (2.5e12, "2.5 TB")],
)
def test_size(count: float, said: str) -> None:
    assert words.size(count) == said


def test_counts_and_lists() -> None:
    assert [words.counted(n, "wait") for n in (0, 1, 1204)] == ["0 waits", "1 wait", "1,204 waits"]
    assert [words.of_all(*p, "wait") for p in ((1, 3), (3, 3), (1, 1))] == [
        "1 of 3 waits",
        "all 3 waits",
        "the only wait",
    ]
    assert [words.of_all(*p) for p in ((1, 3), (3, 3), (1, 1))] == ["1 of 3", "all 3", "the only one"]
    assert [words.listed("abcde"[:n]) for n in (0, 1, 2, 3, 5)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and 2 more",
    ]
    assert words.framed([7]) == "frame 7"
    assert words.framed([7, 9]) == "frames 7 and 9"


@pytest.mark.parametrize("evil", ["\x1b[31m", "\r", "\n", "\x00", "\x9b", "\u202e", "\u200b", "\ud800", "\u2028"])
def test_plain_leaves_nothing_that_steers_a_terminal(evil: str) -> None:
    assert words.plain(f"a{evil[0]}b") == "a\ufffdb"


def test_plain_keeps_letters_of_all_scripts_and_cuts_what_is_too_long() -> None:
    assert words.plain("Posteingang Übersicht 受信") == "Posteingang Übersicht 受信"
    assert words.plain("x" * 100, limit=5) == "xxxx…"
