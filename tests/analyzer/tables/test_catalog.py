"""The catalog is the contract: it is whole, and it keeps to the conventions for names."""

import re

import pytest

from analyzer.tables.catalog import TABLES
from analyzer.tables.schema import Table

IDS = [table.name for table in TABLES]


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_table_says_what_it_is(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(names) == len(set(names))
    assert set(table.key) <= set(names)
    assert all((table.meaning, table.grain, *(column.meaning for column in table.columns)))


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_columns_are_snake_case_and_enums_name_their_values(table: Table) -> None:
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert (column.kind == "enum") == bool(column.values), column.name
        if column.name.endswith("_s"):
            assert column.kind == "float", column.name
        if column.name.endswith("_bytes"):
            assert column.kind == "int", column.name
