"""A box tells the server alone that the connection is over after 5 s of idleness, and drops what comes later.

At the server: a RST in the device's name with another TTL. At the device: silence until its patience ends.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 4], ["ping", 8], ["ping", 8], ["ping", 8], ["ping", 3]],
    ),
    box={"idle_s": 5, "towards": ["server"], "ttl": 64, "forget": True},
    timers_s={"dev": 5, "srv": 5},
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("silent", "middlebox|path", "idle_timeout", True),
        "srv": End("rst", "middlebox", "idle_timeout", True),
    }
}
