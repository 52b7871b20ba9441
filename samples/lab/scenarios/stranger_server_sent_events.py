"""Server-sent events over TLS: one request, an answer that never ends, a comment every 3 s and events between.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="server_sent_events", ci=True)
EXPECTED: Expected = {}
