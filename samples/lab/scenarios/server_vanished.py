"""The server's machine is gone in the middle of a wait (its wire is cut) and does not come back.

At the device: silence, and new connections get no answer either. That is no idle timer, and nobody can be accused.
At the server: the answer gets no acknowledgement, and nothing of the device is heard again.
"""

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 3.0)
    run.cut("wan")


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 6], ["ping", 4]],),
    device={"tries": 1},
    story=story,
    ci=True,
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("silent", "path", "server_stop|unknown", True),
        "srv": End("silent", "path", "unknown|device_lost", True),
    }
}
