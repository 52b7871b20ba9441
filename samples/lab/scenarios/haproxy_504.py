"""A reverse proxy (HAProxy) ends TLS and gives its server 5 s; then it answers 504 and resets the server.

At the device as `nginx_504`. Behind the proxy: a RST where nginx sends FIN, and else one connection that is kept.
"""

from samples.lab.middle import Proxy
from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 4], ["ping", 9], ["ping", 12], ["ping", 9], ["ping", 3]],
    ),
    proxy=Proxy(program="haproxy", timeout_s=5),
    timers_s={"dev": 5, "srv": 5},
)
EXPECTED: Expected = {
    "http_error": {
        "dev": End("http_error", "middlebox", "proxy_timeout", True),
        "srv": End("fin|rst", "middlebox|client", "proxy_timeout|idle_timeout|endpoint_close", None),
    },
}
