"""The same as `twin_resets`, by a box that copies the peer's TTL: its RSTs look as if the endpoints had sent them.

Neither point alone can tell the box from the other endpoint: "the endpoint as seen from here" is as true as it gets,
and the same idle time each time is an idle timer, whoever keeps it. The two captures together prove the box.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 4], ["ping", 9], ["ping", 12], ["ping", 9], ["ping", 3]],
    ),
    box={"idle_s": 5, "towards": ["device", "server"], "ttl": None, "ack": True, "forget": True},
    timers_s={"dev": 5, "srv": 5},
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("rst", "middlebox|server_side", "idle_timeout|endpoint_close", True),
        "srv": End("rst", "middlebox|client", "idle_timeout|endpoint_close", None),
    }
}
