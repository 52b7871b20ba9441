"""A TCP load balancer (HAProxy) in front of the server ends idle connections after 5 s with FINs of its own.

It is the endpoint that ends TCP as seen from the device, with the same TTL in every packet: `server_side`, not "the
server" and not a firewall. Behind it, it is the client that goes.
"""

from samples.lab.middle import Proxy
from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 4], ["ping", 9], ["ping", 12], ["ping", 9], ["ping", 3]],
    ),
    proxy=Proxy(program="haproxy", mode="tcp", timeout_s=5),
    timers_s={"dev": 5, "srv": 5},
    ci=True,
)
EXPECTED: Expected = {
    "killed": {
        "dev": End("fin|rst", "server_side", "idle_timeout|endpoint_close", True),
        "srv": End("fin|rst", "client|middlebox", "idle_timeout|endpoint_close", None),
    }
}
