"""A WebSocket over TLS: pings every 4 s, now and then a message.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="websocket", ci=True)
EXPECTED: Expected = {}
