"""One import does it, nobody else pays for it, and the package's README is true: its sessions and its capture."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

README = (ROOT / "dissectors" / "scapy_layers" / "README.md").read_text()


def python(code: str, folder: Path = ROOT) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_one_import_binds_the_layers() -> None:
    code = """
from scapy.layers.inet import IP, UDP
import dissectors.scapy_layers
print(IP(bytes(IP() / UDP(dport=2883) / b"NOTIFY httpu://a:1/ HTTP/1.1\\r\\n\\r\\n")).summary())
"""
    assert python(code).endswith("NOTIFY, unsolicited")


@pytest.mark.parametrize("module", ["analyzer.cli", "analyzer", "dissectors.notify", "dissectors.eas"])
def test_nothing_else_imports_scapy(module: str) -> None:
    assert python(f"import sys, {module}; print('scapy' in sys.modules)") == "False"


def test_sessions_of_the_readme_print_what_is_shown() -> None:
    sessions = "".join(re.findall(r"```pycon\n(.*?)```", README, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(sessions, {}, "README", None, None)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert len(test.examples) > 10
    assert runner.run(test).failed == 0


def test_the_capture_of_the_readme_tells_its_story(tmp_path: Path) -> None:
    from analyzer import analyze

    example = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[-1]
    python(example, tmp_path)
    found = analyze(tmp_path / "front_end.pcap")

    (wait,) = found.heartbeats.itertuples()
    assert (wait.kind, wait.requested_s, wait.outcome, list(wait.changed_folders)) == ("ping", 480, "changes", ["5"])
    assert wait.held_s == pytest.approx(64.281)
    (watch,) = found.subscriptions.itertuples()
    assert (watch.subscription_id, watch.folder) == ("17", "/exchange/anna/Inbox/")
    assert (watch.call_back, watch.lifetime_s) == ("httpu://fe1.corp.example:2883/42", 3600)
    (notification,) = found.notifications.itertuples()
    assert list(notification.subscription_ids) == ["17"]
    assert (notification.source_ip, notification.destination_ip) == ("10.0.0.5", "10.0.0.4")
    (delivery,) = found.deliveries.itertuples()
    assert delivery.outcome == "delivered"
    times = (delivery.notify_to_ping_s, delivery.ping_to_sync_s, delivery.sync_done_s)
    assert times == pytest.approx((0.031, 0.652, 0.412))
    (folder,) = found.sync_sizes.itertuples()
    assert (folder.collection_id, folder.adds, folder.sync_key_sent) == ("5", 1, "1")
    assert found.anomalies.empty
