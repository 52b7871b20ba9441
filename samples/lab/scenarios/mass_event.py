"""The server is killed while four devices wait: all of them lose their connection in the same moment.

Their waits began at different times, so neither idle time nor age is the same: only the moment is.
"""

import signal
import time

from samples.lab.recording import Recording
from samples.lab.scenario import End, Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 2, 3.0)
    run.end_server(signal.SIGKILL)
    time.sleep(2.5)
    run.start_server()


SCENARIO = Scenario(
    scripts=tuple(
        [["think", 0.6 * number], ["sync", "5"], ["ping", 3], ["ping", 9], ["ping", 3]] for number in range(4)
    ),
    story=story,
)
KILLED = End("fin|rst", "server_side", "mass_event|server_stop|endpoint_close", True)
EXPECTED: Expected = {"killed": {"dev": KILLED, "srv": KILLED}}
