"""The server forgets to answer a wait; the path is alive, and so is the server's kernel. The device gives up.

The device closes after the answer was due, and the server's side acknowledges it. No firewall had a part in it.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 5], ["ping", 4]],),
    server={"faults": {"2": {"how": "never answers", "after_s": 0}}},
    ci=True,
)
KILLED = End("tls_close|fin|rst", "server_side|client", "unknown|endpoint_close", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
