"""The server is stopped in good order (SIGTERM) in the middle of a wait: close_notify, FIN. It comes back 2 s later.

At both points: the server's side closes without an answer, then refuses connections, then serves again.
"""

import signal
import time

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 3.0)
    run.end_server(signal.SIGTERM)
    time.sleep(2.0)
    run.start_server()


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 9], ["ping", 4]],),
    story=story,
    ci=True,
)
KILLED = End("tls_close|fin", "server_side", "server_stop|endpoint_close", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
