"""The catalog entry of `subscriptions`: the front-end's WebDAV subscriptions (Exchange 2003)."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="subscriptions",
    grain="one WebDAV subscription of a front-end server at a mailbox server, or one attempt that failed",
    key=("connection_id", "subscription_id", "start"),
    meaning=(
        "Exchange 2003: for each folder of a Ping the front-end subscribes at the mailbox server and is notified "
        "over UDP."
    ),
    columns=(
        Column(
            name="subscription_id",
            kind="text",
            meaning="Subscription-ID that the mailbox server gave. Null: it gave none (see status).",
        ),
        Column(
            name="connection_id",
            kind="int",
            meaning="The connection of the SUBSCRIBE request, or of the first request that names it.",
        ),
        Column(
            name="start",
            kind="time",
            meaning="Time of the answer to SUBSCRIBE. Null: not in the capture; it was made before, or elsewhere.",
        ),
        Column(
            name="end",
            kind="time",
            meaning="Time at which it ended, see end_reason. Null: its end is not in the capture.",
        ),
        Column(name="folder", kind="text", personal=True, meaning="Path of the folder, which names the mailbox."),
        Column(
            name="notification_type",
            kind="text",
            meaning="Notification-Type header: update, update/newmember, delete, move, ...",
        ),
        Column(
            name="call_back",
            kind="text",
            personal=True,
            meaning="Call-Back URL where notifications go. Null: the subscriber polls.",
        ),
        Column(
            name="lifetime_s",
            kind="float",
            meaning="Subscription-Lifetime that the server granted, in seconds. Null: not stated.",
        ),
        Column(name="renewals", kind="int", meaning="How often it was renewed by SUBSCRIBE."),
        Column(name="notifications", kind="int", meaning="Notifications in the capture that name it."),
        Column(name="request_frame", kind="int", meaning="Frame number of the SUBSCRIBE request. Null: see start."),
        Column(name="polls", kind="int", meaning="How often it was polled. That renews it, too."),
        Column(
            name="end_reason",
            kind="enum",
            meaning="Why it ended. Null: its end is not in the capture.",
            values=(
                ("removed", "the front-end sent UNSUBSCRIBE"),
                ("expired", "its lifetime ran out without a renewal"),
                ("gone", "the mailbox server said that it does not know it any more (HTTP 412)"),
            ),
        ),
        Column(
            name="status",
            kind="int",
            meaning=(
                "HTTP status of the answer to SUBSCRIBE; rounds of authentication (401) are left out. Null: no answer "
                "in the capture."
            ),
        ),
        Column(name="server_ip", kind="text", meaning="The mailbox server's address."),
        Column(name="subscriber_ip", kind="text", meaning="The front-end's address towards the mailbox server."),
        Column(
            name="mailbox",
            kind="text",
            personal=True,
            meaning="The mailbox that the folder's path names. Null: a public folder, or an odd path.",
        ),
        Column(name="depth", kind="int", meaning="Depth header: 0 the item, 1 what is in the folder. Null: not sent."),
        Column(
            name="delay_s",
            kind="float",
            meaning="Notification-Delay that was asked for, in seconds. Null: not sent.",
        ),
        Column(
            name="session_id",
            kind="int",
            meaning="The session whose wait it was made for. Null: not known, see joined_by.",
        ),
        Column(
            name="heartbeat_id",
            kind="int",
            meaning="The wait during which it was made: the one it belongs to. Null: not known.",
        ),
        Column(
            name="joined_by",
            kind="enum",
            meaning="What joins it to session and wait. Null: the devices' side is not readable, or nothing fits.",
            values=(
                ("folder", "the wait was pending, its user has that mailbox and it watches a folder of that name"),
                ("user", "the wait was pending and its user has that mailbox"),
                ("time", "only one wait began just before, and nothing contradicts"),
            ),
        ),
    ),
)
