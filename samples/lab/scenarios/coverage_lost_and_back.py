"""The device loses coverage in the middle of a wait and is back 8 s later, after the wait has died.

Until it is back new connections get no answer; then all is well. The death is not the work of an idle timer, though a
new connection gets through soon after: waits just as long live before and after it.
"""

import time

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 3, 3.0)
    run.cut("air")
    time.sleep(9.0)
    run.join("air")


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 6], ["ping", 6], ["ping", 6], ["ping", 6]],),
    story=story,
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("silent|tls_close|fin|rst", "path|client", "device_lost|unknown", True),
        "srv": End("silent|rst|tls_close|fin", "path|client", "device_lost|unknown", None),
    }
}
