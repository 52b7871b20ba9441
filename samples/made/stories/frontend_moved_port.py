"""Notifications go to another UDP port, which nothing but the Call-Back header of SUBSCRIBE names."""

from __future__ import annotations

from samples.made.stage import Stage

NAME = "frontend_moved_port"
ABOUT = (
    "As frontend_healthy, but the front-end listens on UDP 4711: nothing but the Call-Back header of its SUBSCRIBE "
    "requests names that port."
)


def make() -> Stage:
    stage = Stage(port=4711)
    stage.sign_in(0.0)
    for begin, notified in ((2.0, 91.125), (95.0, 341.750)):
        wait = stage.wait(begin, 480)
        inbox = wait.ids["5"]
        stage.notify(notified, [inbox])
        stage.poll(notified + 0.006, [inbox], events=[inbox])
        stage.answer(notified + 0.037, wait, changed=["5"])
        stage.unsubscribe(notified + 0.090, list(wait.ids.values()))
        stage.sync(notified + 0.802, ["5"], took=0.377)
        stage.delivery(
            notified, "delivered", answer=notified + 0.037, sync=notified + 0.802, done=notified + 0.802 + 0.377
        )
    stage.wait(344.0, 480)
    return stage
