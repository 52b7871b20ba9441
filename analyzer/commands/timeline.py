"""`directpush timeline`: one interactive page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyzer.commands.common import check_target, guard, read_view, write_page
from analyzer.commands.options import (
    BLOCK_MIB,
    Block,
    Captures,
    Debug,
    Devices,
    Engine,
    Engines,
    KeyLogs,
    Ports,
    Pseudonymize,
    Quiet,
    RsaKeys,
)


def timeline(
    captures: Captures,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write; - is standard output.")
    ],
    keylog: KeyLogs = None,
    rsa_key: RsaKeys = None,
    device: Devices = None,
    pseudonymize: Pseudonymize = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    engine: Engines = Engine.BUILTIN,
    notify_port: Ports = None,
    block_size: Block = BLOCK_MIB,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write one interactive page that shows every wait over time."""
    with guard(debug):
        check_target(output)
        view = read_view(
            captures,
            keylogs=keylog,
            rsa_keys=rsa_key,
            devices=device,
            pseudonymize=pseudonymize,
            engine=engine,
            notify_ports=notify_port,
            block_mib=block_size,
            quiet=quiet,
        )
        write_page(view, output)
        if open_page and output != Path("-"):
            typer.launch(str(output))
