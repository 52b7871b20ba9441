"""CPU seconds and peak memory of `directpush analyze` and of tshark's field extraction, on the same files in the same
run.

    python3 tests/bench/compare.py [--scale 1] [--kind eas] [--unique] [--loss 0.01] [--reorder 0.01] [--cipher NAME]
    python3 tests/bench/compare.py --capture CAPTURE --keylog KEYS

Prints one line a program and the ratio. CPU seconds are user and system time of the child (`wait4`), so a busy
machine disturbs them less than a clock on the wall; ratios of one run can be compared, seconds of two runs can not.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.workloads import Options, make
from tests.support.places import DIRECTPUSH, SAMPLES


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one program needed."""

    cpu_s: float
    peak_mb: float
    lines: int  # of its output: a program that finds nothing is fast


# Runs a command and writes its CPU seconds, peak KB and exit code. Linux counts the memory of the process that starts
# another into that one's peak, so the starter must be small: not pytest with pandas in it.
STARTER = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as out:
    print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status), file=out)
"""


def measure(command: list[str]) -> Cost:
    """Run a program to its end; raises RuntimeError with its last words when it fails."""
    program = shutil.which(command[0])
    if program is None:
        raise RuntimeError(f"{command[0]} is not installed")
    with tempfile.TemporaryDirectory() as directory:
        usage = Path(directory, "usage")
        starter = [sys.executable, "-I", "-S", "-c", STARTER, str(usage), program, *command[1:]]
        run = subprocess.run(
            starter, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_as_installed()
        )
        cpu_s, peak_kb, code = usage.read_text().split()
    if code != "0":
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {run.stderr[-2000:]}")
    return Cost(cpu_s=float(cpu_s), peak_mb=int(peak_kb) / 1024, lines=run.stdout.count("\n"))


def _as_installed() -> dict[str, str]:
    """The environment, in which Python keeps compiled modules: as it does for everybody who does not forbid it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def directpush(capture: Path, keylog: Path) -> Cost:
    """The main job: the verdict and all tables' summaries."""
    return measure([str(DIRECTPUSH), "analyze", str(capture), "--keylog", str(keylog)])


def tshark(capture: Path, keylog: Path) -> Cost:
    """The yardstick: one pass, HTTP only, four fields."""
    fields = [word for name in TSHARK_FIELDS for word in ("-e", name)]
    keys = ["-o", f"tls.keylog_file:{keylog}"]
    return measure(["tshark", "-r", str(capture), *keys, "-Y", "http", "-T", "fields", *fields])


TSHARK_FIELDS = ("frame.time_epoch", "tcp.stream", "http.request.uri", "http.file_data")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both programs on the same files in the same run."""

    ours: Cost
    theirs: Cost
    ours_start: Cost  # on a capture of next to nothing: interpreter, imports, tables
    theirs_start: Cost

    @property
    def ratio(self) -> float:
        """How many times our CPU seconds tshark takes."""
        return self.theirs.cpu_s / self.ours.cpu_s

    @property
    def ratio_without_start(self) -> float:
        """The same without what starting costs: comparable between small and large captures."""
        return (self.theirs.cpu_s - self.theirs_start.cpu_s) / (self.ours.cpu_s - self.ours_start.cpu_s)


def compare(capture: Path, keylog: Path, *, label: str) -> Pair:
    """Measure both and print what came out."""
    tiny = SAMPLES / "healthy.pcap", SAMPLES / "healthy.keys"
    directpush(*tiny)  # the first run compiles the modules
    pair = Pair(
        ours=directpush(capture, keylog),
        theirs=tshark(capture, keylog),
        ours_start=directpush(*tiny),
        theirs_start=tshark(*tiny),
    )
    print(f"\n{label}: {capture.stat().st_size / 1e6:.0f} MB")
    for name, cost, start in (
        ("directpush", pair.ours, pair.ours_start),
        ("tshark", pair.theirs, pair.theirs_start),
    ):
        print(f"  {name:10} {cost.cpu_s:8.2f} CPU s ({start.cpu_s:.2f} of them to start) {cost.peak_mb:6.0f} MB")
    print(f"  tshark takes {pair.ratio:.1f} times as long, {pair.ratio_without_start:.1f} times without the start")
    return pair


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure directpush against tshark.")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--keylog", type=Path)
    parser.add_argument("--kind", choices=("eas", "mixed"), default="eas")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--unique", action="store_true")
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--reorder", type=float, default=0.0)
    parser.add_argument("--cipher")
    chosen = parser.parse_args()
    if chosen.capture:
        compare(chosen.capture, chosen.keylog, label=chosen.capture.name)
        return
    variant = {name: getattr(chosen, name) for name in ("scale", "unique", "loss", "reorder", "cipher")}
    with tempfile.TemporaryDirectory() as directory:
        capture, keylog = Path(directory, f"{chosen.kind}.pcap"), Path(directory, f"{chosen.kind}.keys")
        make(chosen.kind, capture, keylog, Options(**variant))
        compare(capture, keylog, label=f"{chosen.kind} {variant}")


if __name__ == "__main__":
    main()
