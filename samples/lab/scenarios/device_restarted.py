"""The device is switched off in the middle of a wait, out of coverage, and comes back before the answer is due.

Its new kernel knows no such connection and answers the server's answer with a RST of its own: no ACK, right after the
packet, just as a firewall that lost its state would. But it has the device's TTL. No firewall may be blamed.
"""

import time

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 2.0)
    run.cut("air")
    time.sleep(0.3)
    run.restart_device([["think", 1.5], ["sync", "5"], ["ping", 4], ["ping", 4]])
    run.join("air")


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 6]],),
    story=story,
    ci=True,
)
LOST = End("rst", "client", "device_lost|endpoint_close", None)
EXPECTED: Expected = {"lost": {"dev": LOST, "srv": LOST}}
