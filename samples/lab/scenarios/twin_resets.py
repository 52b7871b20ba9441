"""A load balancer resets both sides when a connection has been idle for 5 s. Its RSTs have its own TTL.

At both points: a RST without any trigger, always at the same idle time, that did not travel as far as the peer's
packets.
"""

from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 4], ["ping", 9], ["ping", 12], ["ping", 9], ["ping", 3]],
    ),
    box={"idle_s": 5, "towards": ["device", "server"], "ttl": 64, "ack": True, "forget": True},
    timers_s={"dev": 5, "srv": 5},
    ci=True,
)
KILLED = End("rst", "middlebox", "idle_timeout", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
