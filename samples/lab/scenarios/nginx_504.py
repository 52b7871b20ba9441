"""A reverse proxy (nginx) ends TLS and gives its server 5 s: heartbeats of 3 and 4 s live, of 9 s get a 504.

At the device: the proxy's error page, always at the same age of the request; the connection lives on. Behind the
proxy: its client (the proxy) closes each request's connection after 5 s. A server cannot know why its client goes.
"""

from samples.lab.middle import Proxy
from samples.lab.scenario import End, Expected, Scenario

SCENARIO = Scenario(
    scripts=(
        [["sync", "5"], ["ping", 3], ["ping", 4], ["ping", 4], ["ping", 9], ["ping", 12], ["ping", 9], ["ping", 3]],
    ),
    proxy=Proxy(program="nginx", timeout_s=5),
    timers_s={"dev": 5, "srv": 5},
    ci=True,
)
EXPECTED: Expected = {
    "http_error": {
        "dev": End("http_error", "middlebox", "proxy_timeout", True),
        "srv": End("fin|rst", "middlebox|client", "proxy_timeout|idle_timeout|endpoint_close", None),
    }
}
