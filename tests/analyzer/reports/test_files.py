"""Files are whole or not there; every format gives the rows back; CSV runs no formula."""

import csv
import json
from pathlib import Path

import pytest

from analyzer.reports.files import whole_file, write_tables
from tests.support.made import Made, silent_firewall


def test_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    with whole_file(target) as file:
        file.write(b"half")
        file.flush()
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def fail_half_way(target: Path, error: type[BaseException]) -> None:
    with whole_file(target) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "page.html"
    target.write_text("old")
    with pytest.raises(error):
        fail_half_way(target, error)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_file_gets_the_usual_rights(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    with whole_file(tmp_path / "page.html") as file:
        file.write(b"x")
    assert (tmp_path / "page.html").stat().st_mode == plain.stat().st_mode


def test_failure_in_one_table_leaves_no_table_at_all(tmp_path: Path) -> None:
    tables = silent_firewall().tables()
    tables["zz"] = tables["teardowns"].assign(evidence=[{1, 2}] * 3)  # a set is nothing that JSON can hold
    with pytest.raises(TypeError):
        write_tables(tables, tmp_path, "parquet")
    assert list(tmp_path.iterdir()) == []


def test_parquet_keeps_types_and_structures_as_json(tmp_path: Path) -> None:
    import pandas as pd

    tables = silent_firewall().tables()
    paths = write_tables(tables, tmp_path / "new" / "place", "parquet")
    assert [path.stem for path in paths] == list(tables)
    for name, frame in tables.items():
        back = pd.read_parquet(tmp_path / "new" / "place" / f"{name}.parquet")
        assert list(back.columns) == list(frame.columns)
        assert len(back) == len(frame)
        for column in frame.columns:
            if frame[column].dtype == object:
                cells = [json.loads(cell) if isinstance(cell, str) else None for cell in back[column]]
                assert cells == [list(cell) if isinstance(cell, tuple) else cell for cell in frame[column]]
            else:
                assert back[column].dtype.kind == frame[column].dtype.kind
    assert str(pd.read_parquet(tmp_path / "new/place/heartbeats.parquet")["start"].dtype) == "datetime64[ns, UTC]"


def test_csv_has_rfc_3339_times_and_empty_fields_for_absent_values(tmp_path: Path) -> None:
    write_tables(silent_firewall().tables(), tmp_path, "csv")
    with (tmp_path / "heartbeats.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert first["start"] == "2026-11-21T12:00:00.000000000Z"
    assert (first["held_s"], first["ping_status"], first["outcome"]) == ("15.5", "", "expired")
    with (tmp_path / "teardowns.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert json.loads(row["evidence"])[0]["frames"] == [51]
    assert row["premature"] == "true"


@pytest.mark.parametrize("evil", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_runs_no_formula(tmp_path: Path, evil: str) -> None:
    made = Made()
    made.session(user=evil, device_type="plain")
    write_tables(made.tables(), tmp_path, "csv")
    with (tmp_path / "sessions.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["user"] == "'" + evil
    assert row["device_type"] == "plain"


def test_csv_and_json_lines_have_the_same_rows(tmp_path: Path) -> None:
    tables = silent_firewall().tables()
    write_tables(tables, tmp_path, "csv")
    write_tables(tables, tmp_path, "jsonl")
    for name in ("heartbeats", "connections", "teardowns"):
        lines = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            fields = list(csv.DictReader(file))
        assert len(lines) == len(fields) == len(tables[name])
        for line, row in zip(lines, fields, strict=True):
            for column, value in line.items():
                said = (
                    {None: "", True: "true", False: "false"}.get(value)
                    if value is None or isinstance(value, bool)
                    else None
                )
                if said is None:
                    said = json.dumps(value) if isinstance(value, list | dict) else str(value)
                assert row[column] == said, column
