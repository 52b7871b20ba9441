"""`python -m samples.lab list` and `python -m samples.lab record [SCENARIO...] --into DIR [--ci]`."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from samples.lab.journal import STOP
from samples.lab.network import Network, sweep, why_not
from samples.lab.recording import record
from samples.lab.scenario import Named, load_all

AT_ONCE = 26  # recordings that run side by side; they mostly wait


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m samples.lab", description="Records labelled captures.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the scenarios")
    recording = commands.add_parser("record", help="record scenarios with their truth")
    recording.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="all when none is named")
    recording.add_argument("--into", type=Path, default=Path("build/lab"), metavar="DIR")
    recording.add_argument("--ci", action="store_true", help="only the short ones")
    recording.add_argument(
        "--keep-logs", action="store_true", help="keep what each part said, in the temporary directory"
    )
    chosen = parser.parse_args(arguments)
    scenarios = load_all()
    if chosen.command == "list":
        for named in scenarios.values():
            print(f"{named.name:28} {'CI ' if named.scenario.ci else '   '} {named.about.splitlines()[0]}")
        return 0
    unknown = sorted(set(chosen.scenarios) - set(scenarios))
    reason = f"no scenario is called {unknown[0]}" if unknown else why_not()
    if reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    wanted = [
        named
        for named in scenarios.values()
        if (named.name in chosen.scenarios or not chosen.scenarios) and (named.scenario.ci or not chosen.ci)
    ]
    return record_all(wanted, chosen.into, keep_logs=chosen.keep_logs)


def record_all(wanted: list[Named], into: Path, *, keep_logs: bool = False) -> int:
    """Records side by side; a failed one costs itself only."""
    started, failed = time.monotonic(), 0
    sweep()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing is left behind
    with ThreadPoolExecutor(AT_ONCE) as pool, abandoning(pool):
        jobs = {named.name: pool.submit(record, named, n, into, keep_logs) for n, named in enumerate(wanted)}
        for name, job in jobs.items():
            error = job.exception()
            if error is not None:
                failed += 1
                print(f"{name}: {error}", file=sys.stderr)
            else:
                print(f"{name}: {job.result()}", file=sys.stderr)
    print(f"{len(wanted) - failed} of {len(wanted)} recorded in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 1 if failed else 0


@contextlib.contextmanager
def abandoning(pool: ThreadPoolExecutor) -> Iterator[None]:
    """When interrupted: begins nothing more, waits for nothing more, and takes down what stands."""
    try:
        yield
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        STOP.set()
        for network in list(Network.alive):
            network.remove()
        raise


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
