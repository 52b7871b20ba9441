"""The server behind a reverse proxy (nginx) is killed in the middle of a wait: the proxy answers 502.

At the device the proxy speaks, and what it says is that its server is gone. Behind the proxy: a bare FIN of the server.
"""

import signal

from samples.lab.middle import Proxy
from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 3.0)
    run.end_server(signal.SIGKILL)
    run.start_server()


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 3], ["ping", 9], ["think", 2], ["ping", 4], ["sync", "5"]],),
    proxy=Proxy(program="nginx"),
    story=story,
    ci=True,
)
EXPECTED: Expected = {
    "http_error": {
        "dev": End("http_error", "middlebox", "http_error|server_stop", True),
        "srv": End("fin|rst", "server_side", "server_stop|endpoint_close|mass_event", True),
    }
}
