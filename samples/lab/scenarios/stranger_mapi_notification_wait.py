"""Outlook's MAPI/HTTP NotificationWait: a POST held up to 7 s with a chunked PENDING every 3 s, then its answer.

No ActiveSync here: without keys, no wait may be found.
"""

from samples.lab.scenario import Expected, Scenario

SCENARIO = Scenario(stranger="mapi_notification_wait", ci=True)
EXPECTED: Expected = {}
