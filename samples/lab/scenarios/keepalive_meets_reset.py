"""The device's TCP keep-alives come every 7 s, the firewall's timer is 5 s: the first one is answered by a RST.

At the device: a wait that dies at 7 s, in the middle, by a RST faster than the path allows. The timer is shorter than
that. At the server: the answer, later, meets the firewall's RST.
"""

from samples.lab.middle import Firewall
from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 10], ["ping", 10], ["ping", 4], ["ping", 10], ["ping", 4]],
    ),
    device={"keep_alive": [7, 7]},
    firewall=Firewall(idle_s=5, late="reject"),
    timers_s={"dev": 5, "srv": 5},
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("rst", "middlebox", "idle_timeout", True),
        "srv": End("rst|silent", "middlebox|path", "idle_timeout", True),
    }
}
