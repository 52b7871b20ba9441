"""The shape of the project, checked where a tool can check it (DESIGN 2, CONVENTIONS 1, 3, 15, 18)."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.places import ROOT

SOURCES = sorted(
    path.relative_to(ROOT) for package in ("dissectors", "analyzer") for path in (ROOT / package).rglob("*.py")
)
RULES = [path for path in SOURCES if path.match("analyzer/findings/rules/dp*.py")]
RULE_PARTS = ("What it means", "Why it hurts", "What to do", "When it is wrong", "References")
HEAVY = {
    "pandas",
    "plotly",
    "scapy",
    "pyshark",
    "pyarrow",
}  # 0.1 to 0.9 s each: imported in the function that needs them
SCAPY_LAYERS = Path("dissectors/scapy_layers")  # scapy packets are scapy classes; nothing here imports this package
NOT_FOR_DISSECTORS = {
    "pandas",
    "plotly",
    "pyarrow",
    "typer",
    "rich",
    "pyshark",
    "subprocess",
    "multiprocessing",
    "socket",
    "asyncio",
}
OPENS = {"open", "print", "input"}
LINES = 450
TABLES_OF_CONSTANTS = re.compile(r"codepages|ciphers|status|catalog")
TEXT = {".py", ".md", ".toml", ".json", ".txt", ".html", ".js", ".css", ".yml", ""}


def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def imported(nodes: list[ast.stmt]) -> set[str]:
    """The top-level packages that these statements import."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_module_says_in_its_first_line_what_it_does(path: Path) -> None:
    docstring = ast.get_docstring(tree(path))
    assert docstring
    assert len(docstring.splitlines()[0]) > 15


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent != SCAPY_LAYERS], ids=str)
def test_heavy_packages_are_imported_where_they_are_needed(path: Path) -> None:
    assert not imported(tree(path).body) & HEAVY


@pytest.mark.parametrize("path", [path for path in SOURCES if not TABLES_OF_CONSTANTS.search(str(path))], ids=str)
def test_file_has_not_grown_too_long(path: Path) -> None:
    lines = (ROOT / path).read_text().count("\n")
    assert lines <= LINES


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[0] == "dissectors"], ids=str)
def test_dissector_opens_nothing_and_starts_nothing(path: Path) -> None:
    nodes = list(ast.walk(tree(path)))
    assert not imported([node for node in nodes if isinstance(node, ast.stmt)]) & NOT_FOR_DISSECTORS
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & OPENS


@pytest.mark.parametrize("path", RULES, ids=str)
def test_rule_has_the_parts_of_its_page(path: Path) -> None:
    docstring = ast.get_docstring(tree(path)) or ""
    places = [docstring.find(part) for part in RULE_PARTS]
    assert -1 not in places, dict(zip(RULE_PARTS, places, strict=True))
    assert places == sorted(places)


def project_files() -> list[Path]:
    """What git holds or would hold; every file, where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in run.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_path_of_one_machine_stands_in_the_tree() -> None:
    here = re.compile(rf"(?<![\w.])(?:{re.escape(str(ROOT.parent))}|{re.escape(str(Path.home()))})/")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in project_files()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if here.search(line)
    ]
    assert found == []


def test_no_large_file_stands_in_the_tree() -> None:
    assert [path.name for path in project_files() if path.stat().st_size > 700_000] == []


def test_license_is_the_whole_text_and_the_one_the_project_names() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "GPL-2.0-or-later"' in (ROOT / "pyproject.toml").read_text()
