"""The device loses coverage in the middle of a wait (its radio wire is cut) and does not come back.

At the server: the answer is repeated and never acknowledged, and the device is not heard again. One death in silence
is no idle timer. At the device: silence, also for new connections.
"""

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 3.0)
    run.cut("air")


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 6], ["ping", 4]],),
    device={"tries": 1},
    story=story,
    ci=True,
)
KILLED = End("silent", "path", "device_lost|unknown", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
