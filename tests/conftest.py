"""What every test shares: the repository on the import path, so that tests can import `tests.support`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # importlib import mode adds nothing itself


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that is not installed, and say so."""
    from shutil import which

    for mark, program in (("tshark", "tshark"), ("browser", "chromium")):
        if item.get_closest_marker(mark) and which(program) is None:
            pytest.skip(f"{program} is not installed")
