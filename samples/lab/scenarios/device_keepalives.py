"""The firewall's timer is 5 s, but the device sends TCP keep-alives every 2 s: waits of 9 s live.

Keep-alives refresh the timer and hide it completely. No timer may be claimed, and nobody is to blame.
"""

from samples.lab.middle import Firewall
from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 9], ["ping", 9]],),
    device={"keep_alive": [2, 2]},
    firewall=Firewall(idle_s=5, late="drop"),
)
EXPECTED: Expected = {}
