"""The firewall's timer is 5 s and silent; mail arrives after 7 s of a wait of 11 s and cannot be told.

At the server the answer is sent at 7 s and repeated: the timer is below that, long before the heartbeat is over.
"""

from samples.lab.middle import Firewall
from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario, Script


def story(run: Recording) -> None:
    for wait in (3, 4, 5):
        run.after("Ping", wait, 7.0)
        run.deliver()


DARK: Script = [["ping", 11], ["sync", "5"]]
SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 3], ["ping", 4], *DARK, *DARK, *DARK, ["ping", 3]],),
    firewall=Firewall(idle_s=5, late="drop"),
    story=story,
    timers_s={"dev": 5, "srv": 5},
)
KILLED = End("silent", "middlebox|path", "idle_timeout", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
