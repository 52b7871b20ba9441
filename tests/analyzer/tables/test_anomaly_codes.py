"""Every code that a dissector or an engine can give is in the list that `directpush explain` prints, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.explain import explain
from analyzer.tables.catalog.anomaly_codes import CODES
from dissectors.tls import reasons

ROOT = Path(__file__).parents[3]
GIVING = (
    "dissectors",
    *(f"analyzer/{part}" for part in ("engines", "certificates", "keyless", "timeline/access", "timeline/server_side")),
)
SOURCES = sorted([*(path for part in GIVING for path in (ROOT / part).rglob("*.py")), ROOT / "analyzer" / "sources.py"])
REPORTING = {"note", "_note", "_report", "_count", "_lose", "anomaly", "Anomaly", "Oddity"}
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LISTED = CODES | reasons.ANOMALIES


def given(tree: ast.Module) -> Iterator[str]:
    """The codes in one file: arguments of what reports, and what is put into `code`, `odd` and `oddities`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords):
                if name in REPORTING:
                    yield from _texts(*args[:2], *(k.value for k in keywords if k.arg == "code"))
                if name == "append" and isinstance(node.func, ast.Attribute) and _is(node.func.value, "oddities"):
                    yield from _texts(*args)
            case ast.Assign(targets=[ast.Name(id="code" | "oddities")], value=value):
                yield from _texts(value)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="odd"), slice=key)]):
                yield from _texts(key)
            case ast.For(target=ast.Tuple(elts=[ast.Name(id="code"), *_]), iter=ast.Tuple(elts=rows)):
                yield from _texts(*(row.elts[0] for row in rows if isinstance(row, ast.Tuple)))


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _texts(*nodes: ast.expr) -> Iterator[str]:
    """Constants that look like a code, also those in a choice or in a list."""
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if CODE.fullmatch(text):
                yield text
            case ast.IfExp(body=one, orelse=other):
                yield from _texts(one, other)
            case ast.List(elts=elements):
                yield from _texts(*elements)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_code_in_the_sources_is_listed(path: Path) -> None:
    assert sorted(set(given(ast.parse(path.read_text()))) - set(LISTED)) == []


def test_the_search_finds_codes_in_all_the_ways_they_are_given() -> None:
    found = {code for path in SOURCES for code in given(ast.parse(path.read_text()))}
    assert {"capture_truncated", "read_failed", "tcp_header_wrong", "http_obs_fold", "http_mid_message"} <= found
    assert {"eas_query_unreadable", "eas_query_unknown_version", "wbxml_not", "eas_unexpected_body"} <= found


def test_every_listed_code_is_in_the_sources() -> None:
    text = "\n".join(path.read_text() for path in SOURCES)
    assert [code for code in CODES if f'"{code}"' not in text] == []


@pytest.mark.parametrize("code", [*LISTED, *reasons.WHY])
def test_every_code_is_explained_in_a_sentence(code: str) -> None:
    page = explain(code.upper(), width=2000)
    assert page is not None
    meaning = LISTED.get(code) or reasons.WHY[code]
    assert meaning in page
    assert meaning.endswith(".")
    assert "\n" not in meaning


def test_no_code_has_two_meanings() -> None:
    assert set(CODES) & set(reasons.ANOMALIES) == set()
