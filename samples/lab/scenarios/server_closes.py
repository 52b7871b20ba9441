"""The server itself ends three waits: by FIN, by close_notify and FIN, by RST; each after another time.

All three are the server's side's own doing at both points; neither idle time nor age is the same.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 3], ["ping", 8], ["sync", "5"], ["ping", 8], ["ping", 8], ["ping", 5]],),
    server={
        "faults": {
            "2": {"how": "fin", "after_s": 2.5},
            "3": {"how": "notify", "after_s": 4.2},
            "4": {"how": "rst", "after_s": 3.3},
        }
    },
)
KILLED = End("fin|tls_close|rst", "server_side", "endpoint_close|server_stop", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
