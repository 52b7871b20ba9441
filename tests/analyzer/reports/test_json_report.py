"""The JSON is the contract: any reader gets back what the tables hold, null for absent, times in nanoseconds."""

import io
import json
from typing import Any

import pytest

from analyzer.reports import json_report
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import TABLES
from tests.support.made import START, Made, healthy, silent_firewall


def parsed(made: Made) -> dict[str, Any]:
    out = io.StringIO()
    json_report.write(made.tables(), out)
    assert out.getvalue().isascii()
    document = json.loads(out.getvalue())
    assert isinstance(document, dict)
    return document


def test_document_is_the_schema_version_and_the_tables_in_the_catalogs_order() -> None:
    assert list(parsed(healthy())) == ["schema_version", *(table.name for table in TABLES)]
    assert parsed(healthy())["schema_version"] == 1


def test_every_row_has_every_column() -> None:
    document = parsed(silent_firewall())
    for table in TABLES:
        for row in document[table.name]:
            assert list(row) == [column.name for column in table.columns]


def test_values_come_back_with_their_types_and_absent_ones_as_null() -> None:
    made = Made()
    made.add("anomalies", code='a"b\\c\x1b', connection_id=2**53 + 1, detail=None, time=START + 1)
    made.wait(20.5, requested_s=None, monitored_folders=["5", "ü"], changed_folders=[])
    document = parsed(made)
    (odd,) = document["anomalies"]
    assert (odd["code"], odd["connection_id"], odd["detail"]) == ('a"b\\c\x1b', 2**53 + 1, None)
    assert odd["time"] == "2026-11-21T12:00:00.000000001Z"
    (wait,) = document["heartbeats"]
    assert (wait["requested_s"], wait["held_s"], wait["monitored_folders"], wait["changed_folders"]) == (
        None,
        20.5,
        ["5", "ü"],
        [],
    )
    (capture,) = document["captures"]
    assert (capture["complete"], capture["missing_bytes"]) == (True, 0)


def test_blocks_of_rows_are_joined_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_report, "BLOCK_ROWS", 3)
    assert len(parsed(silent_firewall())["heartbeats"]) == 10


def test_hostile_column_values_cannot_break_the_row_template() -> None:
    builder = TableBuilder(next(table for table in TABLES if table.name == "anomalies"))
    builder.append(("%s %d {0}", None, None, None, "%%", None))
    (block,) = json_report.rows(builder.frame())
    assert json.loads(block[0])["code"] == "%s %d {0}"
