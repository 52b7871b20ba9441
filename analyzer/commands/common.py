"""What commands have in common: the door for errors, the progress bar, reading captures, writing the page.

An error is one line saying what happened and one `hint:` line, on standard error.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from analyzer.commands.options import Engine

if TYPE_CHECKING:
    from rich.progress import TaskID

    from analyzer.reading import Progress
    from analyzer.trouble import Trouble
    from analyzer.view import View


def read_view(
    captures: list[str],
    *,
    keylogs: list[Path] | None,
    rsa_keys: list[Path] | None,
    devices: list[str] | None,
    pseudonymize: bool,
    engine: Engine,
    notify_ports: list[int] | None,
    block_mib: int,
    quiet: bool,
    interface: str | None = None,
    seconds: int | None = None,
) -> View:
    """Read the captures, tell the warnings, and cut the result to what was asked for."""
    from analyzer.analysis import analyze as read
    from analyzer.reading import NOTIFY_PORT
    from analyzer.secrets import PASSWORD_VARIABLE
    from analyzer.view import NoSuchDevice, View

    with progress_bar(quiet) as progress:
        analysis = read(
            captures,
            keylogs or [],
            rsa_key=rsa_keys or [],
            rsa_password=os.environ.get(PASSWORD_VARIABLE),
            engine=engine.value,
            interface=interface,
            seconds=seconds,
            notify_ports=notify_ports or [NOTIFY_PORT],
            block_bytes=block_mib << 20,
            progress=progress,
        )
    warn(analysis.warnings, quiet)
    view = View(analysis)
    try:
        return view.cut(devices or [], pseudonymize=pseudonymize)
    except NoSuchDevice as error:
        complain(error.message, error.hint)
        raise typer.Exit(2) from None


def write_page(view: View, target: Path) -> None:
    from analyzer.reports.files import whole_file
    from analyzer.reports.page import render_page

    page = render_page(view.tables, view.verdict, title=view.title)
    if target == Path("-"):
        sys.stdout.write(page)
        return
    with whole_file(target) as file:
        file.write(page.encode("utf-8", "replace"))


def check_target(target: Path | None) -> None:
    """Complain about a place that cannot be written to before the work, not after it."""
    if target is None or target == Path("-"):
        return
    place = target.parent
    if not place.is_dir():
        raise FileNotFoundError(2, f"the directory {place} does not exist", str(target))
    if not os.access(place, os.W_OK):
        raise PermissionError(13, f"the directory {place} cannot be written to", str(target))


@contextlib.contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress | None]:
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
def guard(debug: bool) -> Iterator[None]:
    """The one door for errors: one line and a hint, the exit code, and quiet when the reader of a pipe goes away."""
    from analyzer.trouble import AnalyzeError

    try:
        yield
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush at exit
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        say("interrupted: nothing was left half-written")
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        if debug:
            raise
        if isinstance(error, AnalyzeError):
            for trouble in error.troubles:
                complain(trouble.message, trouble.hint)
        elif isinstance(error, OSError) and error.filename is not None:
            complain(f"{error.filename}: {error.strerror or error}", "check the place and its rights")
        elif isinstance(error, MemoryError):
            complain("out of memory", "a smaller --block-size, or fewer captures at once")
        else:
            complain(
                f"{type(error).__name__}: {error}", "this is a fault of directpush: please report what --debug shows"
            )
        raise typer.Exit(2) from None


def warn(troubles: Iterable[Trouble], quiet: bool) -> None:
    """What could not be read or used, unless nobody wants to know."""
    for trouble in () if quiet else troubles:
        say(f"warning: {trouble.message}")
        say(f"hint: {trouble.hint}")


def complain(message: str, hint: str) -> None:
    say(f"error: {message}")
    say(f"hint: {hint}")


def say(text: str) -> None:
    from analyzer.findings.words import plain

    print(plain(text, limit=1000), file=sys.stderr)
