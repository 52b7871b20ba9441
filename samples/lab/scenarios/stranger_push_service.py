"""A phone's push service (APNs, FCM): one persistent TLS connection, small binary frames, a keep-alive every 7 s.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="push_service", ci=True)
EXPECTED: Expected = {}
