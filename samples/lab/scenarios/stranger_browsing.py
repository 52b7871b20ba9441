"""Plain browsing over one kept-alive TLS connection: pages and images with think times of seconds between.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="browsing", ci=True)
EXPECTED: Expected = {}
