"""The device moves to another network in the middle of a wait and goes on from a new address.

The old connection is left as it was: nothing can be sent from an address that is gone. At the server: the answer is
repeated in vain, while the same device asks from another address.
"""

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 2.5)
    run.move_device()


SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 4], ["leave", 6, 3.0, "192.168.20.20"], ["sync", "5"], ["ping", 4], ["ping", 4]],
    ),
    story=story,
    ci=True,
)
EXPECTED: Expected = {
    "roamed": {
        "dev": End("silent|capture_end", "client|path|unknown", "roamed", None),
        "srv": End("silent", "path|client", "roamed|device_lost", None),
    }
}
