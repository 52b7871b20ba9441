"""Exchange 2003 before Direct Push: one phone is woken by mails that become SMS, one comes by the clock, one at will.

What the mail to the gateway looks like was never published. Here it is as small as the grammar lets it be: one
recipient who is a telephone number, a GUID as body. The commands of SMTP follow RFC 5321, Notify the tags of code
page 3.
"""

from __future__ import annotations

from samples.made import eas
from samples.made.stage import DEVICE, FRONT_END, MAILBOX_SERVER, START_US, Stage
from samples.made.wire import SECOND_US, Host, Tcp

NAME = "autd_v1"
ABOUT = (
    "Three phones without Direct Push. Anna's is registered by Notify and woken by mails to +14255550100 at the "
    "operator's gateway: five triggers, of which the phone follows four within three minutes (the fifth finds it off). "
    "Ben's synchronises every 15 minutes, Carla's when she asks for it. Over the same SMTP connections go a mail to a "
    "person and an alert to a telephone, which are no triggers."
)

GATEWAY = Host("192.0.2.25", "02:00:00:00:00:19", 50)  # of the mobile operator
TELEPHONE = "+14255550100@sms.carrier.example"
BEN = Host("10.9.0.21", "02:00:00:00:09:21", 61)
CARLA = Host("10.9.0.22", "02:00:00:00:09:22", 61)
TRIGGERED = ((600.0, 24.5), (1510.0, 31.25), (2905.0, 22.0), (4300.0, None), (5215.0, 140.5))  # mail, Sync after
MANUAL = (140.0, 420.0, 2600.0, 2790.0, 5900.0, 6050.0)
PERIOD_S, ROUNDS = 900.0, 8
OFF_S = (0.0, 1.5, -2.0, 0.75, 3.0, -1.25, 0.5, 2.0)  # how exactly Ben's phone keeps its clock


def make() -> Stage:
    stage = Stage(seen="one capture point at the front-end, which also sees the mailbox server's mail to the gateway")
    triggers: list[dict[str, object]] = []
    rounds: dict[str, list[float]] = {"anna": [], "ben": [], "carla": []}
    _register(stage, 10.0)
    for place, (at, after) in enumerate(TRIGGERED):
        sent = _mail(stage, at, TELEPHONE, _trigger(place))
        triggers.append({"time": sent, "recipient": TELEPHONE, "trigger_to_sync_s": None})
        if after is not None:
            begun = _round(stage, at + after, DEVICE, "anna", place + 1)
            rounds["anna"].append(begun)
            triggers[-1]["trigger_to_sync_s"] = round(begun - sent, 6)
    _mail(stage, 700.0, "dora@partner.example", b"Subject: Lunch\r\n\r\nAt noon?\r\n")
    _mail(stage, 800.0, "+14255550111@sms.carrier.example", b"Subject: Alert\r\n\r\nDisk of be1 is 91 % full.\r\n")
    for number in range(ROUNDS):
        rounds["ben"].append(_round(stage, 60.0 + number * PERIOD_S + OFF_S[number], BEN, "ben", number + 1))
    for number, at in enumerate(MANUAL):
        rounds["carla"].append(_round(stage, at, CARLA, "carla", number + 1))
    stage.more = {
        "sms_triggers": triggers,
        "sync_modes": {"anna": "sms_triggered", "ben": "scheduled", "carla": "manual"},
        "scheduled_period_s": {"ben": PERIOD_S},
        "rounds": rounds,
    }
    return stage


def _trigger(place: int) -> bytes:
    guid = f"{0x6F9619FF + place:08X}-8B86-D011-B42D-00C04FC964FF"
    return (
        "From: <autd@corp.example>\r\n"
        f"To: <{TELEPHONE}>\r\n"
        "Received: from be1.corp.example by be1.corp.example with Microsoft SMTPSVC(6.0.3790.1830)\r\n"
        f"Message-ID: <BE1{place:04}@be1.corp.example>\r\n"
        f"\r\n{guid}\r\n"
    ).encode()


def _mail(stage: Stage, at: float, recipient: str, content: bytes) -> float:
    """The mailbox server hands a mail to the gateway. Returns when its last byte was sent."""
    begin = _us(at) - 700_000
    link = Tcp(stage.wire, MAILBOX_SERVER, GATEWAY, 25, begin - 100_000, latency_us=20_000)
    dialogue = (
        (GATEWAY, b"220 gw.carrier.example ESMTP\r\n"),
        (MAILBOX_SERVER, b"EHLO be1.corp.example\r\n"),
        (GATEWAY, b"250-gw.carrier.example\r\n250 SIZE 10240\r\n"),
        (MAILBOX_SERVER, b"MAIL FROM:<autd@corp.example>\r\n"),
        (GATEWAY, b"250 2.1.0 OK\r\n"),
        (MAILBOX_SERVER, b"RCPT TO:<" + recipient.encode() + b">\r\n"),
        (GATEWAY, b"250 2.1.5 OK\r\n"),
        (MAILBOX_SERVER, b"DATA\r\n"),
        (GATEWAY, b"354 go ahead\r\n"),
    )
    for step, (speaker, data) in enumerate(dialogue):
        link.say(begin + step * 50_000, speaker, data)
    sent = link.say(_us(at), MAILBOX_SERVER, content + b".\r\n")
    link.say(sent + 60_000, GATEWAY, b"250 2.0.0 queued\r\n")
    link.say(sent + 90_000, MAILBOX_SERVER, b"QUIT\r\n")
    link.say(sent + 140_000, GATEWAY, b"221 2.0.0 bye\r\n")
    link.close(sent + 150_000, GATEWAY)
    return sent / SECOND_US


def _register(stage: Stage, at: float) -> None:
    """Notify: where triggers shall go. The device's answer is not known; Status 1 is what every command says."""
    from dissectors.eas.wbxml_encode import element, encode

    asked = encode(
        element(
            "AirNotify:Notify",
            element(
                "AirNotify:DeviceInfo",
                element("AirNotify:Devices", element("AirNotify:Device", element("AirNotify:Enable", "1"))),
            ),
        )
    )
    said = encode(element("AirNotify:Notify", element("AirNotify:Status", "1")))
    link = Tcp(stage.wire, DEVICE, FRONT_END, 80, _us(at) - 200_000, latency_us=45_000)
    link.say(_us(at), DEVICE, eas.request("Notify", asked, "anna"))
    link.say(_us(at) + 120_000, FRONT_END, eas.response(said))
    link.close(_us(at) + 900_000, DEVICE)


def _round(stage: Stage, at: float, device: Host, user: str, key: int) -> float:
    """A phone connects, asks for its Inbox and goes. Returns when it asked."""
    link = Tcp(stage.wire, device, FRONT_END, 80, _us(at) - 200_000, latency_us=45_000)
    asked, said = eas.sync({"5": key}, {"5": key % 2})
    device_id = {"anna": eas.DEVICE_ID}.get(user, f"{len(user):02}" + user.upper().ljust(8, "0"))
    link.say(_us(at), device, eas.request("Sync", asked, user, device_id))
    link.say(_us(at) + 310_000, FRONT_END, eas.response(said))
    link.close(_us(at) + 1_500_000, device)
    return _us(at) / SECOND_US


def _us(seconds: float) -> int:
    return START_US + round(seconds * SECOND_US)
