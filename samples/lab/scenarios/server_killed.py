"""The server is killed (SIGKILL) in the middle of a wait; its kernel says a bare FIN. It comes back 2 s later.

At both points: the server's side closes without an answer, then refuses connections, then serves again.
"""

import signal
import time

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 3.0)
    run.end_server(signal.SIGKILL)
    time.sleep(2.0)
    run.start_server()


SCENARIO = Scenario(
    scripts=([["sync", "5"], ["ping", 4], ["ping", 9], ["ping", 4]],),
    story=story,
    ci=True,
)
KILLED = End("fin|rst", "server_side", "server_stop|endpoint_close", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
