"""A box beside the path tells the device alone, with three RSTs at different sequence numbers, after 5 s of idleness.

The server knows nothing: its answer arrives after "its own" RST (the device shows that: the peer lives on), and the
device's kernel, which has no such connection any more, answers it with a RST of its own. That is all the server sees.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [
            ["sync", "5"],
            ["ping", 3],
            ["ping", 4],
            ["ping", 4],
            ["ping", 8],
            ["ping", 7],
            ["ping", 8],
            ["ping", 4],
            ["ping", 3],
        ],
    ),
    box={"idle_s": 5, "towards": ["device"], "ttl": 64, "copies": 3},
    timers_s={"dev": 5, "srv": 5},
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("rst", "middlebox", "idle_timeout|policy", True),
        "srv": End("rst|silent", "middlebox|client|path", "idle_timeout|endpoint_close|device_lost", None),
    }
}
