"""The command line: `directpush analyze`, `timeline`, `explain`.

Data goes to standard output, words to standard error. Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage or
unreadable input, 130 interrupted. An error is one line saying what happened and one `hint:` line. Everything that takes
time to import is imported in the function that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

    from analyzer.analysis import Progress
    from analyzer.view import View

app = typer.Typer(
    name="directpush",
    help="Who killed the push? Analyzes captures of Exchange ActiveSync Direct Push.",
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback is shown with --debug only
    rich_markup_mode=None,  # plain help: importing rich would double the time that --help takes
)


class Engine(StrEnum):
    """Program part that reads the packets."""

    BUILTIN = "builtin"


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


Captures = Annotated[
    list[str],
    typer.Argument(metavar="CAPTURE...", help="pcap or pcapng files, also .gz and .zst; - is standard input."),
]
KeyLogs = Annotated[
    list[Path] | None,
    typer.Option("--keylog", metavar="FILE", envvar="SSLKEYLOGFILE", help="TLS key log (NSS format). May be repeated."),
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", metavar="ID", help="Only this device (id or its beginning, or user). May be repeated."),
]
Engines = Annotated[Engine, typer.Option("--engine", help="Program part that reads the packets.")]
Pseudonymize = Annotated[bool, typer.Option("--pseudonymize", help="Replace names of people, devices and folders.")]
Ports = Annotated[
    list[int] | None,
    typer.Option(
        "--notify-port", metavar="N", min=1, max=65535, help="UDP port of notifications (2883). May be repeated."
    ),
]
Block = Annotated[int, typer.Option("--block-size", metavar="MIB", min=1, max=1024, help="Read so many MiB at a time.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def main() -> None:
    """Entry point of the `directpush` command."""
    try:
        code = app(standalone_mode=False, prog_name="directpush")
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own complaints have it, whatever typer calls their class
            raise
        _complain(
            error.format_message(), f"{getattr(getattr(error, 'ctx', None), 'command_path', 'directpush')} --help"
        )
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"directpush {installed('directpush')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


@app.command()
def analyze(
    captures: Captures,
    *,
    keylog: KeyLogs = None,
    json: Annotated[bool, typer.Option("--json", help="All tables as JSON instead of the summary.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the interactive page too.")] = None,
    tables: Annotated[Path | None, typer.Option("--tables", metavar="DIR", help="Write the tables too.")] = None,
    format: Annotated[Format, typer.Option("--format", help="File format for --tables.")] = Format.PARQUET,
    device: Devices = None,
    pseudonymize: Pseudonymize = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit code 1 when there are such findings.")
    ] = FailOn.NEVER,
    engine: Engines = Engine.BUILTIN,
    notify_port: Ports = None,
    block_size: Block = 32,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every wait, every premature end, with frames.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say how push fares: the verdict, devices and folders."""
    with _guard(debug):
        for target in (html, tables):
            _check_target(target)
        view = _view(
            captures,
            keylogs=keylog,
            devices=device,
            pseudonymize=pseudonymize,
            engine=engine,
            notify_ports=notify_port,
            block_mib=block_size,
            quiet=quiet,
        )
        if html is not None:
            _write_page(view, html)
        if tables is not None:
            from analyzer.reports.files import write_tables

            write_tables(view.tables, tables, format.value)
        if json:
            from analyzer.reports import json_report

            json_report.write(view.tables, sys.stdout)
        elif html != Path("-"):
            _print_summary(view, verbose=verbose, html=html is not None)
        sys.stdout.flush()
        if fail_on is not FailOn.NEVER and view.has_findings(fail_on.value):
            raise typer.Exit(1)


@app.command()
def timeline(
    captures: Captures,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write; - is standard output.")
    ],
    keylog: KeyLogs = None,
    device: Devices = None,
    pseudonymize: Pseudonymize = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    engine: Engines = Engine.BUILTIN,
    notify_port: Ports = None,
    block_size: Block = 32,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write one interactive page that shows every wait over time."""
    with _guard(debug):
        _check_target(output)
        view = _view(
            captures,
            keylogs=keylog,
            devices=device,
            pseudonymize=pseudonymize,
            engine=engine,
            notify_ports=notify_port,
            block_mib=block_size,
            quiet=quiet,
        )
        _write_page(view, output)
        if open_page and output != Path("-"):
            typer.launch(str(output))


@app.command()
def explain(
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]", help="A rule (DP101), TABLE, TABLE.COLUMN, or a status (Ping 5, HTTP 449)."),
    ] = None,
) -> None:
    """Say what a finding, a table, a column or a status number means."""
    with _guard(debug=False):
        import shutil

        from analyzer import explain as pages

        width = min(shutil.get_terminal_size((100, 24)).columns, 110)
        wanted = " ".join(topic or [])
        page = pages.explain(wanted, width) if wanted else pages.contents(width)
        if page is None:
            close = pages.close_to(wanted)
            _complain(
                f"nothing is known about {wanted!r}",
                f"did you mean {' or '.join(close)}?" if close else "directpush explain lists what can be explained",
            )
            raise typer.Exit(2)
        sys.stdout.write(page)
        sys.stdout.flush()


def _view(
    captures: list[str],
    *,
    keylogs: list[Path] | None,
    devices: list[str] | None,
    pseudonymize: bool,
    engine: Engine,
    notify_ports: list[int] | None,
    block_mib: int,
    quiet: bool,
) -> View:
    """Read the captures, tell the warnings, and cut the result to what was asked for."""
    from analyzer.analysis import analyze as read
    from analyzer.view import NoSuchDevice, View

    with _progress(quiet) as progress:
        analysis = read(
            captures,
            keylogs or [],
            engine=engine.value,
            notify_ports=notify_ports or [2883],
            block_bytes=block_mib << 20,
            progress=progress,
        )
    if not quiet:
        for warning in analysis.warnings:
            _say(f"warning: {warning.message}")
            _say(f"hint: {warning.hint}")
    view = View(analysis)
    try:
        return view.cut(devices or [], pseudonymize=pseudonymize)
    except NoSuchDevice as error:
        _complain(error.message, error.hint)
        raise typer.Exit(2) from None


def _print_summary(view: View, *, verbose: bool, html: bool) -> None:
    from analyzer.reports import terminal

    more = [] if verbose else ["--verbose"]
    more += [] if html else ["--html report.html"]
    more += [f"directpush explain {code}" for code in view.codes()[:1]]
    out = terminal.console(sys.stdout)
    terminal.render(view.verdict, view.tables, out, verbose=verbose, more=" · ".join(more) or None)


def _write_page(view: View, target: Path) -> None:
    from analyzer.reports.files import whole_file
    from analyzer.reports.page import render_page

    page = render_page(view.tables, view.verdict, title=view.title)
    if target == Path("-"):
        sys.stdout.write(page)
        return
    with whole_file(target) as file:
        file.write(page.encode("utf-8", "replace"))


def _check_target(target: Path | None) -> None:
    """Complain about a place that cannot be written to before the work, not after it."""
    if target is None or target == Path("-"):
        return
    place = target.parent
    if not place.is_dir():
        raise FileNotFoundError(2, f"the directory {place} does not exist", str(target))
    if not os.access(place, os.W_OK):
        raise PermissionError(13, f"the directory {place} cannot be written to", str(target))


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """A progress bar on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    from analyzer.findings.words import plain
    from analyzer.reports import terminal

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bar(*columns, console=terminal.console(sys.stderr), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(name: str, position: int, size: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(plain(Path(name).name), total=size)
            bar.update(tasks[name], completed=position, total=size)

        yield report


@contextlib.contextmanager
def _guard(debug: bool) -> Iterator[None]:
    """The one door for errors: one line and a hint, the exit code, and quiet when the reader of a pipe goes away."""
    from analyzer.analysis import AnalyzeError

    try:
        yield
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush at exit
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        _say("interrupted: nothing was left half-written")
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        if debug:
            raise
        if isinstance(error, AnalyzeError):
            for trouble in error.troubles:
                _complain(trouble.message, trouble.hint)
        elif isinstance(error, OSError) and error.filename is not None:
            _complain(f"{error.filename}: {error.strerror or error}", "check the place and its rights")
        elif isinstance(error, MemoryError):
            _complain("out of memory", "a smaller --block-size, or fewer captures at once")
        else:
            _complain(
                f"{type(error).__name__}: {error}", "this is a fault of directpush: please report what --debug shows"
            )
        raise typer.Exit(2) from None


def _complain(message: str, hint: str) -> None:
    _say(f"error: {message}")
    _say(f"hint: {hint}")


def _say(text: str) -> None:
    from analyzer.findings.words import plain

    print(plain(text, limit=1000), file=sys.stderr)


if __name__ == "__main__":
    main()
