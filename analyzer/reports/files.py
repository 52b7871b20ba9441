"""Files that are whole or not there: the atomic writer, and the tables as Parquet, CSV or JSON lines.

CSV: times are RFC 3339 with nanoseconds, an absent value is an empty field, structured values are JSON text, and a
text that a spreadsheet would run as a formula gets an apostrophe in front. Parquet: types as in the catalog; structured
values are JSON text, so that the schema is the same for every capture.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from analyzer.reports import json_report

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["parquet", "csv", "jsonl"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BLOCK_ROWS = 20_000


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write to a temporary name beside `path`; it takes the name `path` only when everything went well."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        _give_usual_rights(Path(temporary))
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_tables(tables: Mapping[str, pd.DataFrame], directory: Path, kind: Format) -> list[Path]:
    """One file a table, NAME.parquet and so on; all of them appear together, when the last one is complete."""
    directory.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".directpush-", dir=directory))
    try:
        written = []
        for name, frame in tables.items():
            part = workshop / f"{name}.{kind}"
            _WRITERS[kind](frame, part)
            _give_usual_rights(part)
            written.append(part)
        return [part.replace(directory / part.name) for part in written]
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    structured = {
        name: [None if cell is None else json_report.encode(cell) for cell in frame[name]]
        for name in frame.columns
        if frame[name].dtype == object
    }
    if structured:
        import pandas as pd

        frame = frame.assign(**{name: pd.array(cells, dtype="str") for name, cells in structured.items()})
    frame.to_parquet(path, engine="pyarrow", compression="zstd", index=False)


def _csv(frame: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(frame.columns)
        for start in range(0, len(frame), BLOCK_ROWS):
            block = frame.iloc[start : start + BLOCK_ROWS]
            text = io.StringIO()
            csv.writer(text).writerows(zip(*(_csv_cells(block[name]) for name in frame.columns), strict=True))
            file.write(text.getvalue())


def _csv_cells(column: pd.Series) -> list[object]:
    if column.dtype == object:
        return ["" if cell is None else json_report.encode(cell) for cell in column]
    if column.dtype.kind == "M":
        return [text.strip('"') for text in json_report.cells(column, absent="")]
    if isinstance(column.dtype, _text_types()):
        return [_no_formula(cell) if isinstance(cell, str) else "" for cell in column.astype(object)]
    return list(json_report.cells(column, absent=""))


def _no_formula(text: str) -> str:
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _text_types() -> tuple[type, ...]:
    import pandas as pd

    return pd.CategoricalDtype, pd.StringDtype


def _jsonl(frame: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for block in json_report.rows(frame):
            file.writelines(f"{row}\n" for row in block)


_WRITERS = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}


def _give_usual_rights(path: Path) -> None:
    """What open() would have given: temporary files are private, results are not."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
