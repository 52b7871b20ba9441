"""Everything that a report can name can be explained, from the one place where it is written."""

import io
import re

import pytest
from rich.console import Console

from analyzer import analyze
from analyzer.explain import close_to, contents, explain
from analyzer.findings import all_rules
from analyzer.reports.headings import HEADINGS, about
from analyzer.reports.terminal import render
from analyzer.tables.catalog import TABLES
from tests.support.places import SAMPLES


@pytest.mark.parametrize("code", [rule.CODE for rule in all_rules()])
def test_every_rule_has_a_page_with_all_its_parts(code: str) -> None:
    page = explain(code.lower())
    assert page is not None
    parts = ["What it means", "Why it hurts", "What to do", "When it is wrong", "References"]
    places = [page.index(f"\n{part}\n") for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_every_table_and_column_has_a_page(table: object) -> None:
    from analyzer.tables.schema import Table

    assert isinstance(table, Table)
    page = explain(table.name)
    assert page is not None
    for column in table.columns:
        assert column.name in page
        own = explain(f"{table.name}.{column.name}", width=2000)
        assert own is not None
        assert column.meaning in own
        assert all(value in own and meaning in own for value, meaning in column.values)


def test_column_alone_is_explained_for_every_table_that_has_it() -> None:
    page = explain("display_filter")
    assert page is not None
    assert "findings.display_filter" in page
    assert "connections.display_filter" in page


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("Ping 5", "Ping status 5: interval outside"),
        ("ping status 5", "Ping status 5: interval outside"),
        ("Sync 140", "Status 140, common to all commands"),
        ("HTTP 449", "HTTP 449 on Exchange ActiveSync"),
        ("449", "HTTP 449"),
        ("5", "Sync status 5"),
        ("status 8", "Ping status 8"),
    ],
)
def test_status_numbers(topic: str, said: str) -> None:
    assert said in (explain(topic) or "")


@pytest.mark.parametrize("topic", ["nonsense", "Ping 4711", "heartbeats.nothing", "HTTP 5", "", "9" * 30, "Ping -1"])
def test_what_is_not_known_has_no_page(topic: str) -> None:
    assert explain(topic) is None


def test_a_slip_of_the_fingers_is_answered_with_what_was_meant() -> None:
    assert "heartbeats.outcome" in close_to("heartbeat.outcome")
    assert close_to("zzzzzzzz") == []


@pytest.mark.parametrize("width", [60, 100])
def test_pages_keep_to_the_width(width: int) -> None:
    assert all(len(line) <= width for line in contents(width).splitlines())
    for table in TABLES:
        page = explain(table.name, width) or ""
        assert all(len(line) <= width or " " not in line.strip() for line in page.splitlines())


def test_contents_names_every_rule_and_table() -> None:
    listed = contents()
    assert all(rule.CODE in listed for rule in all_rules())
    assert all(table.name in listed for table in TABLES)


def test_why_a_connection_stayed_encrypted_is_explained_by_code_by_words_and_by_column() -> None:
    from analyzer.findings.overview import _WHY_CLOSED
    from dissectors.tls.reasons import WHY

    assert set(_WHY_CLOSED) == set(WHY)
    column = explain("connections.why_encrypted", width=2000) or ""
    for code, meaning in WHY.items():
        assert meaning in (explain(code, width=2000) or "")
        assert explain(code.replace("_", " ")) == explain(code)
        assert f"{code} " in column
        assert meaning in column


def test_the_keys_of_decode_are_explained() -> None:
    from analyzer.decode.lines import KEYS

    page = explain("decode", width=2000) or ""
    for key, meaning in KEYS.items():
        assert meaning in page
        assert meaning in (explain(f"decode.{key}", width=2000) or "")
    assert explain("decode.nothing") is None


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["silent_firewall", "resetting_firewall", "autd_v1"])
def test_every_heading_of_the_summary_is_explained(name: str, width: int) -> None:
    keys = SAMPLES / f"{name}.keys"
    analysis = analyze(SAMPLES / f"{name}.pcap", keys if keys.exists() else ())
    out = Console(file=io.StringIO(), width=width, color_system=None)
    with out.capture() as printed:
        render(analysis.verdict, analysis.lazy, out, verbose=True)
    first = ("device  ", "folder  ", "wait  ")
    lines = [line.strip() for line in printed.get().splitlines() if line.strip().startswith(first)]
    headings = {heading for line in lines for heading in re.split(r"\s{2,}", line)}
    assert {"device", "folder", "syncs"} & headings
    for heading in headings:
        assert about(heading.lower()), heading
        assert all(explain(word, width) for word in re.findall(r"[a-z][a-z ]+", heading.replace("(UTC)", "")))


@pytest.mark.parametrize(
    ("word", "column"),
    [
        ("asked", "heartbeats.requested_s"),
        ("LIVED", "heartbeats.held_s"),
        ("asked → lived", "heartbeats.held_s"),
        ("timer", "idle_timeouts.high_s"),
        ("died", "teardowns.premature"),
        ("ended by", "teardowns.ended_by"),
        ("down", "sync_sizes.download_wire_bytes"),
        ("silence", "directpush pair"),
    ],
)
def test_a_heading_leads_to_the_columns_that_are_meant(word: str, column: str) -> None:
    assert column in (explain(word) or "")


def test_columns_that_a_heading_names_exist() -> None:
    known = {table.name for table in TABLES}
    known |= {f"{table.name}.{column.name}" for table in TABLES for column in table.columns}
    assert {name for heading in HEADINGS for name in heading.columns} <= known


@pytest.mark.parametrize("value", ["silent", "server side", "torn_down", "rsto"])
def test_a_value_is_explained_wherever_it_may_stand(value: str) -> None:
    assert "(a value of " in (explain(value) or "")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_names_and_meanings_stand_in_two_columns(width: int) -> None:
    """A long name has a line of its own where the window is narrow; the index is aligned in each of its parts."""
    index = contents(width)
    for part in (index.split("\n\n")[0], index.split("\n\n")[1]):
        starts = [re.match(r"  \S+ +|  +", line) for line in part.splitlines()[1:]]
        assert len({match.end() for match in starts if match}) == 1
    page = explain("transactions", width) or ""
    longest = "  response_decoded_bytes"
    assert (longest in page.splitlines()) is (width < 100)


@pytest.mark.parametrize("width", [60, 80])
def test_a_column_and_a_heading_keep_to_the_width(width: int) -> None:
    topics = [f"{table.name}.{column.name}" for table in TABLES for column in table.columns]
    topics += [heading.words[0] for heading in HEADINGS]
    for topic in topics:
        assert [line for line in (explain(topic, width) or "").splitlines() if len(line) > width] == [], topic


@pytest.mark.parametrize("width", [60, 80, 110])
def test_a_rule_keeps_to_the_width(width: int) -> None:
    for rule in all_rules():
        page = explain(rule.CODE, width) or ""
        assert [line for line in page.splitlines() if len(line) > width] == []
        assert " ".join((rule.__doc__ or "").split()) in " ".join(page.split())
