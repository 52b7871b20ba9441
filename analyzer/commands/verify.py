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
        if found.differences:
            raise typer.Exit(1)


def render(found: Verification, out: Console, shown: int | None) -> None:
    """The answer first, then each kind of difference with what each engine says and which to believe."""
    from rich.text import Text

    from analyzer.findings.words import counted

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
        out.print(Text(f"  Compared: {compared}."))
        return
    out.print(Text(f"The engines differ in {counted(len(found.differences), 'point')}.", "bold yellow"))
    out.print(Text(f"  The built-in engine has {compared}; tshark has {_theirs(found)}."))
    for (why, believe), group in _grouped(found.differences).items():
        out.print()
        out.print(Text(f"Believe {_BELIEVE[believe]}: {_plain(why)}.", "bold"))
        for difference in group[:shown]:
            _print(difference, out)
        if shown is not None and len(group) > shown:
            out.print(Text(f"  and {len(group) - shown} more (--verbose)", "dim"))


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
    from rich.text import Text

    frame = f", frame {difference.frame}" if difference.frame is not None else ""
    out.print(Text(f"  {_plain(difference.place)}{frame}"))
    what = "" if difference.field == difference.kind else f"{difference.field}: "
    said = f"built-in {_plain(difference.builtin)} · tshark {_plain(difference.tshark)}"
    out.print(Text(f"    {what}{said}"))


def _plain(text: str) -> str:
    from analyzer.findings.words import plain

    return plain(text, limit=200)
