"""A box ends every connection at the age of 8 s, however busy it is, with RSTs to both sides.

The idle times at these deaths differ (2, 4, 5 and 3 s): no idle timer may be claimed.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [
            *(["sync", "5"], ["ping", 3], ["ping", 3], ["ping", 6]),
            *(["sync", "5"], ["ping", 4], ["ping", 6]),
            *(["sync", "5"], ["ping", 3], ["ping", 7]),
            *(["sync", "5"], ["ping", 5], ["ping", 6]),
        ],
    ),
    box={"age_s": 8, "towards": ["device", "server"], "ttl": 64, "ack": True, "forget": True},
)
KILLED = End("rst", "middlebox", "maximum_age", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
