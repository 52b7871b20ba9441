"""Arguments and options that several commands share: one name, one meaning, one help text."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analyzer.reading import BLOCK_BYTES


class Engine(StrEnum):
    """Program part that reads the packets."""

    BUILTIN = "builtin"
    TSHARK = "tshark"
    AUTO = "auto"


class Format(StrEnum):
    """File format of the tables."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


class FailOn(StrEnum):
    """From which findings on the exit code is 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


_CAPTURES = typer.Argument(metavar="CAPTURE...", help="pcap or pcapng files, also .gz and .zst; - is standard input.")
Captures = Annotated[list[str], _CAPTURES]
SomeCaptures = Annotated[list[str] | None, _CAPTURES]
KeyLogs = Annotated[
    list[Path] | None,
    typer.Option("--keylog", metavar="FILE", envvar="SSLKEYLOGFILE", help="TLS key log (NSS format). May be repeated."),
]
RsaKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--rsa-key",
        metavar="FILE",
        help="The server's private RSA key (PEM, DER, PKCS#12), for connections without forward secrecy. Its password: "
        "DIRECTPUSH_RSA_PASSWORD.",
    ),
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", metavar="ID", help="Only this device (id or its beginning, or user). May be repeated."),
]
Engines = Annotated[
    Engine, typer.Option("--engine", help="What reads packets; auto: tshark gets what builtin cannot open.")
]
Pseudonymize = Annotated[
    bool, typer.Option("--pseudonymize", help="Replace names of people, devices, hosts and folders.")
]
Ports = Annotated[
    list[int] | None,
    typer.Option(
        "--notify-port", metavar="N", min=1, max=65535, help="UDP port of notifications (2883). May be repeated."
    ),
]
BLOCK_MIB = BLOCK_BYTES >> 20
Block = Annotated[int, typer.Option("--block-size", metavar="MIB", min=1, max=1024, help="Read so many MiB at a time.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
