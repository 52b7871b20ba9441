"""A device asks, syncs and waits; waits expire, one brings mail. Nothing is wrong.

At both points everything is seen: waits that expire or change, and a connection that the device closes in good order.
"""

from samples.lab.recording import Recording
from samples.lab.scenario import Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 2.0)
    run.deliver()


SCENARIO = Scenario(
    scripts=([["options"], ["foldersync"], ["sync", "5"], ["ping", 4], ["ping", 8], ["sync", "5"], ["ping", 5]],),
    story=story,
    ci=True,
)
EXPECTED: Expected = {}
