"""`directpush verify`: one capture through both engines, what differs, and which to believe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands.common import complain, guard, warn
from analyzer.commands.options import Debug, KeyLogs, Ports, Quiet

if TYPE_CHECKING:
    from rich.console import Console

    from analyzer.verify import Difference, Verification

SHOWN = 5  # differences of one kind and field, before it says how many more there are
_BELIEVE = {"builtin": "the built-in engine", "tshark": "tshark", "unknown": "neither without looking"}


def verify(
    capture: Annotated[str, typer.Argument(metavar="CAPTURE", help="A pcap or pcapng file.")],
    *,
    keylog: KeyLogs = None,
    rsa_key: Annotated[
        list[Path] | None,
        typer.Option("--rsa-key", metavar="FILE", help="Private RSA key of a server (PEM). May be repeated."),
    ] = None,
    notify_port: Ports = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Every difference.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Read with both engines and say what differs (exit code 1)."""
    with guard(debug):
        from analyzer.reading import NOTIFY_PORT
        from analyzer.reports import terminal
        from analyzer.sources import SourceError
        from analyzer.verify import verify as run

        try:
            found = run(capture, keylog or [], rsa_keys=rsa_key or [], notify_ports=notify_port or [NOTIFY_PORT])
        except SourceError as error:
            complain(error.message, error.hint)
            raise typer.Exit(2) from None
        warn(found.warnings, quiet)
        render(found, terminal.console(sys.stdout), shown=None if verbose else SHOWN)
        sys.stdout.flush()
        if found.doubts:
            raise typer.Exit(1)


def render(found: Verification, out: Console, shown: int | None) -> None:
    """The answer first, then each kind of difference with what each engine says and which to believe.

    Of what a known fault of tshark explains only the number is said, unless all is asked for (`shown` is None).
    """
    from rich.text import Text

    from analyzer.findings.words import counted
    from analyzer.reports.terminal import hanging

    ours = found.builtin
    compared = ", ".join(
        (
            counted(len(ours.connections), "connection"),
            counted(len(ours.transactions), "transaction"),
            counted(len(ours.rows["heartbeats"]), "wait"),
            counted(len(ours.rows["sync_sizes"]), "synchronised folder"),
        )
    )
    if not found.differences:
        out.print(Text("Both engines say the same.", "bold green"))
        hanging(out, "  ", f"Compared: {compared}.", "")
        return
    points = counted(len(found.differences), "point")
    if found.doubts:
        hanging(out, "", f"The engines differ in {points}.", "bold yellow")
    else:
        hanging(out, "", f"Both engines say the same but for {points} in which tshark is known to fail.", "bold green")
    hanging(out, "  ", f"The built-in engine has {compared}; tshark has {_theirs(found)}.", "")
    for (why, believe), group in _grouped(found.differences).items():
        out.print()
        hanging(out, "", f"Believe {_BELIEVE[believe]}: {_plain(why)}.", "bold")
        first = 0 if shown is not None and all(each.known for each in group) else shown
        for difference in group[:first]:
            _print(difference, out)
        if first is not None and len(group) > first:
            left = f"and {len(group) - first} more" if first else counted(len(group), "point")
            hanging(out, "  ", f"{left} (--verbose)", "dim")


def _theirs(found: Verification) -> str:
    theirs = found.tshark
    numbers = (len(theirs.connections), len(theirs.transactions), len(theirs.rows["heartbeats"]))
    return f"{numbers[0]:,}, {numbers[1]:,}, {numbers[2]:,} and {len(theirs.rows['sync_sizes']):,}"


def _grouped(differences: list[Difference]) -> dict[tuple[str, str], list[Difference]]:
    groups: dict[tuple[str, str], list[Difference]] = {}
    for difference in differences:
        groups.setdefault((difference.why, difference.believe), []).append(difference)
    return groups


def _print(difference: Difference, out: Console) -> None:
    from analyzer.reports.terminal import hanging

    frame = f", frame {difference.frame}" if difference.frame is not None else ""
    hanging(out, "  ", f"{_plain(difference.place)}{frame}", "")
    what = "" if difference.field == difference.kind else f"{difference.field}: "
    said = f"built-in {_plain(difference.builtin)} · tshark {_plain(difference.tshark)}"
    hanging(out, "    ", f"{what}{said}", "")


def _plain(text: str) -> str:
    from analyzer.findings.words import plain

    return plain(text, limit=200)
