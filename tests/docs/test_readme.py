"""The documentation is tested: its commands run, its code runs, its output is the real one, its links lead somewhere.

In a `console` block a line with `$ ` is a command and what follows is its output. A line `...` there stands for any
lines, `...` within a line for anything that differs from run to run (seconds, versions). `make` targets are only
looked up: running them here would run these tests again.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import DIRECTPUSH, ROOT, SAMPLES

READMES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "samples/*.md", "dissectors/*.md", "analyzer/*.md")
    for path in ROOT.glob(pattern)
)
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Each command with the output that is shown for it, perhaps none."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.strip("\n")))
    return found


def like(shown: str) -> re.Pattern[str]:
    """The shown output as a pattern."""
    lines = []
    for line in shown.split("\n"):
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(".*".join(re.escape(piece) for piece in line.rstrip().split("...")) + r"[ ]*\n")
    return re.compile("".join(lines))


@pytest.mark.parametrize(("command", "shown"), commands(), ids=[command for command, _ in commands()])
def test_readme_command_runs_and_prints_what_is_shown(command: str, shown: str, tmp_path: Path) -> None:
    if command.startswith("make "):
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert set(command.split()[1:]) <= set(targets)
        return
    assert command.startswith("directpush "), "a README command is make or directpush"
    (tmp_path / "samples").symlink_to(SAMPLES)
    (tmp_path / "demo").mkdir()
    environment = os.environ | {
        "PATH": f"{DIRECTPUSH.parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    run = subprocess.run(
        command,
        check=False,
        shell=True,  # a README command is a line for a shell
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert run.returncode == 0, run.stderr
    if shown:
        assert like(shown).fullmatch(run.stdout.rstrip("\n") + "\n"), run.stdout


def test_readme_names_the_two_commands() -> None:
    assert {"make demo", "make test"} <= {command for command, _ in commands()}


@pytest.mark.parametrize("code", blocks("python"))
def test_readme_python_runs(code: str) -> None:
    run = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_links_lead_somewhere(readme: Path) -> None:
    text = (ROOT / readme).read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (ROOT / readme.parent / target).exists(), target


@pytest.mark.parametrize("readme", ["dissectors/README.md", "analyzer/README.md"])
def test_package_readme_names_every_part_of_its_package(readme: str) -> None:
    path = ROOT / readme
    text = path.read_text()
    for part in path.parent.iterdir():
        if part.suffix == ".py" or (part.is_dir() and any(part.glob("*.py"))):
            assert part.stem in ("__init__",) or part.name in text, part.name


@pytest.mark.parametrize("readme", ["README.md", "CHANGELOG.md", "samples/README.md"])
def test_named_samples_exist(readme: str) -> None:
    for name in re.findall(r"samples/([\w.]+\w)", (ROOT / readme).read_text()):
        assert list(SAMPLES.glob(f"{name}*")), name
