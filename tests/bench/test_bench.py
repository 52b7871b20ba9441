"""Speed and memory claims, each as a ratio against tshark in the same run, with peak memory beside it.

DIRECTPUSH_BENCH_SCALE sets the size (`make bench`: 1, which takes 4 GB of disk). The default is small. There the start
of Python and its imports are most of the time, so they are taken off on both sides and the floors are low; only a large
run proves the figures of the README.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dissectors import native
from tests.bench.compare import compare, measure
from tests.bench.workloads import Options, make
from tests.support.places import DIRECTPUSH, ROOT

SCALE = float(os.environ.get("DIRECTPUSH_BENCH_SCALE", "0.05"))
LARGE = SCALE >= 0.5
PEAK_MB = 300
HELP_S = 0.2
PARSER_MODULES = ("numpy", "pandas", "plotly", "scapy", "pyshark", "pyarrow")  # none is needed to print a help text

pytestmark = pytest.mark.bench


@pytest.mark.tshark
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "variant", "floor", "small_floor"),
    [
        ("eas", {}, 5, 2),
        ("mixed", {}, 20, 4),
        ("eas", {"unique": True}, 4, 1.5),
        ("eas", {"loss": 0.01, "reorder": 0.01}, 4, 1.5),
        ("eas", {"cipher": "ECDHE-RSA-CHACHA20-POLY1305"}, 4, 1.5),
    ],
    ids=["eas", "mixed", "eas-unique-bodies", "eas-loss-and-reordering", "eas-chacha20"],
)
def test_faster_than_tshark_in_less_memory(
    tmp_path: Path, kind: str, variant: dict[str, Any], floor: float, small_floor: float
) -> None:
    capture, keylog = tmp_path / f"{kind}.pcap", tmp_path / f"{kind}.keys"
    make(kind, capture, keylog, Options(scale=SCALE, **variant))
    pair = compare(capture, keylog, label=f"{kind}, scale {SCALE:g}, {variant or 'plain'}")
    capture.unlink()
    assert pair.theirs.lines > 1000 * SCALE, "the yardstick decrypted nothing: nothing was compared"
    assert pair.ours.lines > 3, "an analysis that says nothing is no measurement"
    assert pair.ours.peak_mb <= PEAK_MB
    if LARGE:
        assert pair.ratio >= (floor if native.enabled else floor * 0.6)  # numpy alone
    else:
        assert pair.ratio_without_start >= small_floor


def test_help_comes_at_once() -> None:
    best = min(measure([str(DIRECTPUSH), "--help"]).cpu_s for _ in range(7))
    print(f"\ndirectpush --help: {best:.2f} CPU s")
    assert best <= HELP_S


def test_help_loads_no_parser_and_no_table() -> None:
    code = "import sys\nsys.argv = ['directpush', '--help']\nfrom analyzer.cli import main\n" + (
        "try:\n    main()\nexcept SystemExit:\n    pass\n" + "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "analyze" in run.stdout
    assert not {module.split(".")[0] for module in run.stderr.splitlines()} & set(PARSER_MODULES)
