"""The summary: verdict first, readable at 60 columns, without colour and through a pipe, and safe against names."""

import io

import pytest
from rich.console import Console

from analyzer.findings.verdict import build
from analyzer.reports import terminal
from tests.support.made import Made, healthy, silent_firewall


def shown(made: Made, width: int = 110, *, verbose: bool = False, colour: bool = False) -> str:
    tables = made.tables()
    out = Console(
        file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False, force_terminal=colour,
        color_system="standard" if colour else None,
    )  # fmt: skip
    terminal.render(build(tables, 0.9), tables, out, verbose=verbose, more="--verbose")
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_first_line_is_the_answer_and_the_last_says_what_else_there_is() -> None:
    lines = shown(silent_firewall()).splitlines()
    assert lines[0] == "Push is being cut on the way."
    assert lines[1].startswith("  3 of 10 waits died")
    assert lines[-1] == " More: --verbose"
    assert any(line.startswith("  → Raise that timer") for line in lines)
    assert any("iPhone anna" in line and "50 s → 21 s" in line and "path, silent (likely)" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 110, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(width: int, verbose: bool) -> None:
    for line in shown(silent_firewall(), width, verbose=verbose).splitlines():
        assert len(line) <= width
        assert line == line.rstrip()


def test_at_60_columns_every_count_and_outcome_is_still_there() -> None:
    text = shown(silent_firewall(), 60, verbose=True)
    for said in ("waits", "asked → lived", "50 s → 21 s", "torn_down", "50 → 51", "expired"):
        assert said in text


def test_colour_adds_nothing_but_colour() -> None:
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", shown(silent_firewall(), colour=True)) == shown(silent_firewall())
    assert "\x1b[1;31m" in shown(silent_firewall(), colour=True)


def test_verbose_shows_every_wait_with_frames_and_the_evidence_of_each_end() -> None:
    text = shown(silent_firewall(), verbose=True)
    assert text.count("torn_down") == 3
    assert "50 → 51" in text
    assert "3 premature ends:" in text
    assert "3 packets went unanswered (frame 51)" in text
    assert "3 premature ends:" not in shown(silent_firewall())


def test_names_from_the_capture_neither_steer_the_terminal_nor_become_markup() -> None:
    made = healthy()
    made.rows["sessions"][0]["user"] = "[bold]an\x1b]0;evil\x07na[/bold]"
    made.add(
        "sync_sizes",
        transaction_id=1,
        session_id=1,
        collection_id="5",
        folder_name="In\rbox\u202e:smile:",
        download_bytes=1,
    )
    text = shown(made, verbose=True)
    assert not set(text) & set("\x1b\x07\r\u202e")
    assert "[bold]an" in text
    assert ":smile:" in text


def test_long_lists_are_cut_and_say_how_to_see_the_rest() -> None:
    made = Made()
    for number in range(20):
        made.session(user=f"user{number:02}")
        made.wait(10.0, session_id=number + 1)
    text = shown(made)
    assert f"and {20 - terminal.DEVICES} more devices: --verbose" in text
    assert "user19" not in text
    assert "user19" in shown(made, verbose=True)


def test_unknown_values_are_question_marks_and_not_zero() -> None:
    made = Made()
    made.wait(10.0, "unknown", requested_s=None, held_s=None, end_frame=None)
    made.add("sync_sizes", transaction_id=1, session_id=1, collection_id="5")
    text = shown(made, verbose=True)
    assert "? → ?" in text
    assert "10 → -" in text


def test_console_in_a_pipe_has_a_fixed_width_unless_columns_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal.console(io.StringIO()).width == terminal.PIPE_WIDTH
    monkeypatch.setenv("COLUMNS", "72")
    assert terminal.console(io.StringIO()).width == 72


def test_to_text_is_the_same_summary_as_plain_text() -> None:
    tables = silent_firewall().tables()
    assert terminal.to_text(build(tables, 0.9), tables).startswith(
        "Push is being cut on the way.\n  3 of 10 waits died"
    )
