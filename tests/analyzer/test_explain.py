"""Everything that a report can name can be explained, from the one place where it is written."""

import pytest

from analyzer.explain import close_to, contents, explain
from analyzer.findings import all_rules
from analyzer.tables.catalog import TABLES


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
