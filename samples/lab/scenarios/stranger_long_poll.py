"""A chat that polls over HTTPS: each GET is held up to 6 s; JSON both ways, cookies, a POST now and then.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="long_poll", ci=True)
EXPECTED: Expected = {}
