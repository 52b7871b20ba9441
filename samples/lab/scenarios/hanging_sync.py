"""No Ping at all: Syncs that the server holds. Some expire, one brings mail, three die of a silent timer of 5 s."""

from samples.lab.middle import Firewall
from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Sync", 4, 2.0)
    run.deliver()


SCENARIO = Scenario(
    scripts=(
        [["foldersync"], ["sync", "5"], *([["hsync", "5", 4]] * 3), *([["hsync", "5", 9]] * 3), ["hsync", "5", 3]],
    ),
    firewall=Firewall(idle_s=5, late="drop"),
    story=story,
    timers_s={"dev": 5, "srv": 5},
)
KILLED = End("silent", "middlebox|path", "idle_timeout", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
