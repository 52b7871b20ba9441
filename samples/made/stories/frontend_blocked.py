"""A firewall between the servers refuses UDP 2883: each notification is answered with ICMP, each wait runs its time."""

from __future__ import annotations

from samples.made.stage import FIREWALL, PROHIBITED, Stage

NAME = "frontend_blocked"
ABOUT = (
    "The firewall 10.0.0.1 between mailbox server and front-end refuses UDP 2883 (ICMP administratively prohibited). "
    "Three notifications are refused; the waits run their 480 s, and mail comes when the next Ping begins, because "
    "the front-end then looks for changes itself."
)


def make() -> Stage:
    stage = Stage()
    stage.sign_in(0.0)
    begin = 2.0
    for after_s in ((95.0, 301.5), (40.25,)):
        wait = stage.wait(begin, 480)
        inbox = wait.ids["5"]
        expired = begin + 480.035
        caught_up = expired + 1.165
        asked = caught_up + 0.95
        for after in after_s:
            stage.notify(begin + after, [inbox], refused=(FIREWALL, PROHIBITED))
            stage.delivery(begin + after, "blocked", sync=asked, done=asked + 0.44)
        stage.answer(expired, wait)
        stage.unsubscribe(expired + 0.05, list(wait.ids.values()))
        wait = stage.wait(caught_up, 480)
        stage.answer(caught_up + 0.18, wait, changed=["5"])
        stage.unsubscribe(caught_up + 0.25, list(wait.ids.values()))
        stage.sync(asked, ["5"], took=0.44, items=len(after_s))
        begin = asked + 2.0
    return stage
