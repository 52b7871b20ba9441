"""Datagrams get lost without a word: the front-end learns of two changes only when it polls at the end of the wait."""

from __future__ import annotations

from samples.made.stage import Stage

NAME = "frontend_lost"
ABOUT = (
    "Captured at the front-end. The first notification arrives; the next two never do, nobody says why, and the "
    "front-end finds the changes when it polls at the end of the wait, minutes late."
)


def make() -> Stage:
    stage = Stage()
    stage.sign_in(0.0)

    wait = stage.wait(2.0, 480)
    inbox = wait.ids["5"]
    stage.notify(61.400, [inbox])
    stage.poll(61.405, [inbox], events=[inbox])
    stage.answer(61.436, wait, changed=["5"])
    stage.unsubscribe(61.480, list(wait.ids.values()))
    stage.sync(62.090, ["5"], took=0.350)
    stage.delivery(61.400, "delivered", answer=61.436, sync=62.090, done=62.440)

    begin = 64.0
    for mail_after in (120.0, 33.0):
        wait = stage.wait(begin, 480)
        inbox, calendar = wait.ids["5"], wait.ids["1"]
        stage.notify(begin + mail_after, [inbox], seen=False)
        due = begin + 480.012
        stage.poll(due, [inbox, calendar], events=[inbox])
        stage.answer(due + 0.028, wait, changed=["5"])
        stage.unsubscribe(due + 0.080, [inbox, calendar])
        stage.sync(due + 0.730, ["5"], took=0.390)
        stage.delivery(due + 0.003, "lost", answer=due + 0.028, sync=due + 0.730, done=due + 1.120, notified=0)
        begin = due + 3.0
    return stage
