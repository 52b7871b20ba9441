"""A healthy pair: each notification wakes its wait, one names two folders, one wait expires and is renewed before."""

from __future__ import annotations

from samples.made.stage import Stage

NAME = "frontend_healthy"
ABOUT = (
    "A device waits at the front-end (heartbeat 480 s). The mailbox server notifies twice, once for two folders; the "
    "front-end polls, answers the Ping, and the device syncs. The third wait expires; the fourth is pending at the end."
)


def make() -> Stage:
    stage = Stage(lifetime_s=300)
    stage.sign_in(0.0)

    wait = stage.wait(2.0, 480)
    inbox, calendar = wait.ids["5"], wait.ids["1"]
    stage.notify(65.250, [inbox])
    stage.poll(65.254, [inbox], events=[inbox])
    stage.answer(65.281, wait, changed=["5"])
    stage.unsubscribe(65.330, [inbox, calendar])
    stage.sync(65.933, ["5"], took=0.412)
    stage.delivery(65.250, "delivered", answer=65.281, sync=65.933, done=66.345)

    wait = stage.wait(67.100, 480)
    both = [wait.ids["5"], wait.ids["1"]]
    stage.notify(200.500, both)
    stage.poll(200.507, both, events=both)
    stage.answer(200.543, wait, changed=["5", "1"])
    stage.unsubscribe(200.600, both)
    stage.sync(201.418, ["5", "1"], took=0.655)
    stage.delivery(200.500, "delivered", answer=200.543, sync=201.418, done=202.073)

    wait = stage.wait(203.000, 480)
    stage.renew(203.000 + 270, list(wait.ids.values()))
    stage.answer(683.020, wait)
    stage.unsubscribe(683.061, list(wait.ids.values()))

    stage.wait(683.700, 480)
    return stage
