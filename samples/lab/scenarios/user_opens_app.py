"""The user opens the app in the middle of two waits: the device closes in good order and asks at once.

Nobody else is to blame.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 4], ["ping", 9, 3.0], ["sync", "5"], ["ping", 9, 4.5], ["sync", "5"], ["ping", 4]],
    ),
    device={"close": "notify"},
    ci=True,
)
EXPECTED: Expected = {}
