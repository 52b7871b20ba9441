"""A hole in the coverage hides the moment of the answer; the answer is repeated and gets through 2 s late.

The wait lived: it expired, late. Nobody is to blame.
"""

import time

from samples.lab.recording import Recording
from samples.lab.scenario import Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 4.0)
    run.cut("air")
    time.sleep(2.3)
    run.join("air")


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 5], ["ping", 4]],),
    device={"grace_s": 8.0},
    story=story,
)
EXPECTED: Expected = {}
