"""Options are what typer makes of them, whether it is asked or not: the same command with its classes and with ours."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner, Result

from analyzer.commands.options import Block, FailOn, KeyLogs, Ports, Quiet, SomeCaptures
from analyzer.commands.plain_options import PlainCommand, PlainGroup

LINES = [
    "",
    "--version job",
    "--help",
    "job",
    "job --help",
    "job a.pcap",
    "job a.pcap b.pcap --keylog one.keys --keylog two.keys -q",
    "job --keylog - --output .",
    "job --output /nowhere/at/all",
    "job a.pcap --fail-on error --block-size 64 --notify-port 1 --notify-port 65535",
    "job --fail-on ERROR",
    "job --fail-on sometimes",
    "job --block-size 0",
    "job --block-size many",
    "job --notify-port 65536",
    "job --quiet=yes",
    "job --unknown",
    "job --keylog",
    "needs",
    "needs a",
    "needs a b",
    "needs a b c --code 3",
    "needs a b --code c",
]


def asked(command: type[TyperCommand], group: type[TyperGroup], line: str, **environment: str) -> Result:
    app = typer.Typer(cls=group, add_completion=False, rich_markup_mode=None)

    @app.callback()
    def top(version: Annotated[bool, typer.Option("--version", is_eager=True)] = False) -> None:
        typer.echo(repr(version))

    @app.command("job", cls=command)
    def job(
        captures: SomeCaptures = None,
        keylog: KeyLogs = None,
        output: Annotated[Path | None, typer.Option("--output")] = None,
        fail_on: Annotated[FailOn, typer.Option("--fail-on")] = FailOn.NEVER,
        notify_port: Ports = None,
        block_size: Block = 32,
        quiet: Quiet = False,
    ) -> None:
        typer.echo(repr((captures, keylog, output, fail_on, notify_port, block_size, quiet)))

    @app.command("needs", cls=command)
    def needs(capture: str, more: list[str], code: Annotated[int, typer.Option()]) -> None:
        typer.echo(repr((capture, more, code)))

    return CliRunner().invoke(app, line.split(), env=environment)


@pytest.mark.parametrize("line", LINES)
def test_options_are_what_typer_makes_of_them(line: str) -> None:
    plain, by_typer = asked(PlainCommand, PlainGroup, line), asked(TyperCommand, TyperGroup, line)
    assert (plain.exit_code, plain.output) == (by_typer.exit_code, by_typer.output)


def test_environment_is_what_typer_makes_of_it() -> None:
    plain, by_typer = (
        asked(*classes, "job a.pcap", SSLKEYLOGFILE="one.keys:two.keys")
        for classes in ((PlainCommand, PlainGroup), (TyperCommand, TyperGroup))
    )
    assert "two.keys" in plain.output
    assert plain.output == by_typer.output


def test_unreadable_file_is_refused_as_typer_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tmp_path / "secret.keys"
    keys.touch()
    monkeypatch.setattr("os.access", lambda *_: False)  # whoever runs this may be allowed to read everything
    refused = asked(PlainCommand, PlainGroup, f"job --keylog {keys}")
    assert refused.exit_code == 2
    assert "is not readable" in refused.output
