"""The catalog entry of `subscriptions`: the front-end's WebDAV subscriptions (Exchange 2003)."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="subscriptions",
    grain="one WebDAV subscription of a front-end server at a mailbox server",
    key=("connection_id", "subscription_id", "start"),
    meaning=(
        "Exchange 2003: for each folder of a Ping the front-end subscribes at the mailbox server and is notified "
        "over UDP."
    ),
    columns=(
        Column(name="subscription_id", kind="text", meaning="Subscription-ID that the mailbox server gave."),
        Column(name="connection_id", kind="int", meaning="The connection of the SUBSCRIBE request."),
        Column(name="start", kind="time", meaning="Time of the answer to SUBSCRIBE."),
        Column(
            name="end",
            kind="time",
            meaning="Time of UNSUBSCRIBE, or when its lifetime ran out. Null: neither is in the capture.",
        ),
        Column(name="folder", kind="text", personal=True, meaning="Path of the folder, which names the mailbox."),
        Column(
            name="notification_type",
            kind="text",
            meaning="Notification-Type header: update, update/newmember, delete, move, ...",
        ),
        Column(
            name="call_back", kind="text", meaning="Call-Back URL where notifications go. Null: the subscriber polls."
        ),
        Column(
            name="lifetime_s",
            kind="float",
            meaning="Subscription-Lifetime that the server granted, in seconds. Null: not stated.",
        ),
        Column(name="renewals", kind="int", meaning="How often it was renewed."),
        Column(name="notifications", kind="int", meaning="Notifications in the capture that name it."),
        Column(name="request_frame", kind="int", meaning="Frame number of the SUBSCRIBE request."),
    ),
)
