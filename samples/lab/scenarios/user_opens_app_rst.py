"""The user opens the app in the middle of two waits: the device drops them with a RST and asks at once.

In the end it closes with a RST, too, right after an answer that it has received and acknowledged.
Nobody else is to blame.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 4], ["ping", 9, 3.0], ["sync", "5"], ["ping", 9, 4.5], ["sync", "5"], ["ping", 4]],
    ),
    device={"close": "rst"},
    ci=True,
)
EXPECTED: Expected = {}
