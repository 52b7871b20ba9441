"""The firewall forgets a connection between two waits; the next request is answered by its RST at once.

At the device: a RST faster than any packet of the server can come, and with another TTL. At the server: nothing at
all, as far as this connection goes; a capture there must not claim anything.
"""

from samples.lab.middle import Firewall
from samples.lab.scenario import End, Expected, Scenario

STEP = [["ping", 3], ["think", 7]]
SCENARIO = Scenario(
    scripts=([["sync", "5"], *STEP, *STEP, *STEP, ["ping", 3], ["ping", 4]],),
    firewall=Firewall(idle_s=5, late="reject"),
    timers_s={"dev": 5},
    ci=True,
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("rst", "middlebox", "idle_timeout", True),
        "srv": End("capture_end|silent", "unknown|path", "unknown|idle_timeout", None),
    }
}
