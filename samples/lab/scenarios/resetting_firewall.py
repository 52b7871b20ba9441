"""The firewall forgets connections that are idle for 5 s and answers what comes later with RST, to its sender.

At the device: silence, until it gives up and speaks; the RST that it then gets did not end anything. At the server: the
answer is answered by a RST in the device's name, with the firewall's TTL.
"""

from samples.lab.middle import Firewall
from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 7], ["ping", 8], ["ping", 7], ["ping", 3]],),
    firewall=Firewall(idle_s=5, late="reject"),
    timers_s={"dev": 5, "srv": 5},
    ci=True,
)
KILLED = End("silent|rst", "middlebox|path", "idle_timeout", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
