"""`directpush decode`: each Exchange ActiveSync message of a capture."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from analyzer.commands.common import complain, guard, progress_bar, warn
from analyzer.commands.options import BLOCK_MIB, Block, Captures, Debug, Devices, KeyLogs, Quiet, RsaKeys


def decode(
    captures: Captures,
    *,
    keylog: KeyLogs = None,
    rsa_key: RsaKeys = None,
    device: Devices = None,
    command: Annotated[
        list[str] | None,
        typer.Option("--command", metavar="NAME", help="Only this command: Ping, Sync, ... May be repeated."),
    ] = None,
    frame: Annotated[
        list[int] | None,
        typer.Option("--frame", metavar="N", min=1, help="Only what frame N is a part of. May be repeated."),
    ] = None,
    show_content: Annotated[
        bool, typer.Option("--show-content", help="Show personal text too. Secrets are never shown.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="JSON lines, one for each request and each response (explain decode).")
    ] = False,
    block_size: Block = BLOCK_MIB,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show each message as XML with sizes, personal text masked."""
    with guard(debug):
        from functools import partial

        from analyzer.decode.chosen import Choice
        from analyzer.decode.decoder import Decoder
        from analyzer.decode.lines import lines
        from analyzer.decode.reading import run
        from analyzer.decode.text import block
        from analyzer.reading import How
        from analyzer.secrets import PASSWORD_VARIABLE, read_keys
        from analyzer.trouble import Trouble

        warnings = list[Trouble]()
        keys = read_keys(keylog or [], rsa_key or [], os.environ.get(PASSWORD_VARIABLE), warnings)
        choice = Choice(devices=device or [], commands=command or [], frames=frame or [])
        render = lines if json else partial(block, name_capture=len(captures) > 1)
        decoder = Decoder(choice, render, sys.stdout.write, show_content=show_content)
        with progress_bar(quiet or sys.stdout.isatty()) as progress:  # a bar would stand between the messages
            warnings += run(captures, keys, decoder, How(block_bytes=block_size << 20), progress)
        sys.stdout.flush()
        if not choice.found and choice.everything:
            warnings.append(Trouble(*choice.nothing()))
        warn(warnings, quiet)
        if not choice.found and not choice.everything:  # as for a device that `analyze` does not find
            complain(*choice.nothing())
            raise typer.Exit(2)
