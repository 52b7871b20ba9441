"""IMAP IDLE over TLS: the client sits in IDLE and issues it anew every 8 s (29 minutes), mail is announced in it.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="imap_idle", ci=True)
EXPECTED: Expected = {}
