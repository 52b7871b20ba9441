"""Where things lie that tests share, relative to the repository, and what to say when they are not there."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
DIRECTPUSH = Path(sys.executable).with_name("directpush")  # the command of the environment that runs the tests
RECORDINGS = ROOT.parent / "shared" / "captures"  # the full set; beside the repository on the developers' machines only


def recording(name: str) -> Path:
    """A file of the full set of recordings; skips the test where there is none."""
    if not RECORDINGS.is_dir():
        pytest.skip("the full set of recordings (../shared/captures) is not beside this repository")
    return RECORDINGS / name
