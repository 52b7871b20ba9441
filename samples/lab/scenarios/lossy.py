"""Packets are lost, doubled and late on the device's side; waits come and go as they should. Nobody is to blame."""

from samples.lab.scenario import Expected, Scenario, Script

TURN: Script = [["sync", "5"], ["ping", 3]]
SCENARIO = Scenario(
    scripts=([["options"], ["foldersync"], *TURN, *TURN, *TURN, ["sync", "5"], ["ping", 5], ["sync", "6"]],),
    device={"grace_s": 6.0},
    air={"delay_ms": 2, "jitter_ms": 5, "loss": 0.12, "duplicate": 0.05, "reorder": 0.08, "seed": 7},
)
EXPECTED: Expected = {}
