"""The firewall forgets connections that are idle for 5 s and drops what comes later. Nobody is told.

Heartbeats of 3 and 4 s live, those of 8 s die. At the device: silence until its own patience ends. At the server: the
answer is sent again and again and never acknowledged. Neither point alone can tell a firewall from a path that broke,
but the same idle time each time, with new connections getting through at once, is an idle timer.
"""

from samples.lab.middle import Firewall
from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 8], ["ping", 8], ["ping", 8], ["ping", 3]],),
    firewall=Firewall(idle_s=5, late="drop"),
    timers_s={"dev": 5, "srv": 5},
    ci=True,
)
KILLED = End("silent", "middlebox|path", "idle_timeout", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
