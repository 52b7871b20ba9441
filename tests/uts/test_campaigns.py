"""Runs the UTScapy campaigns of this folder, in a process of their own as scapy's users run them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

CAMPAIGNS = sorted((ROOT / "tests" / "uts").glob("*.uts"))


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda path: path.stem)
def test_campaign_passes(campaign: Path) -> None:
    command = [sys.executable, "-m", "scapy.tools.UTscapy", "-f", "text", "-F", "-N", "-t", str(campaign)]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    counts = re.search(r"Passed=(\d+)\W+Failed=(\d+)", run.stdout)
    assert run.returncode == 0, run.stdout
    assert counts is not None, run.stdout
    assert counts.groups() == (str(len(re.findall(r"^= ", campaign.read_text(), re.MULTILINE))), "0")
