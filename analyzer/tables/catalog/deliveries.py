"""The catalog entry of `deliveries`: from a notification to the mail on the device."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="deliveries",
    grain="one change that should reach a device",
    key=("delivery_id",),
    meaning="A notification joined to the wait it should wake and to the Sync that fetched the change.",
    columns=(
        Column(name="delivery_id", kind="int", meaning="Number of the delivery, from 1, in order of time."),
        Column(name="session_id", kind="int", meaning="The session it is for. Null: not known."),
        Column(
            name="notification_frame", kind="int", meaning="Frame of the NOTIFY datagram. Null: none in the capture."
        ),
        Column(name="heartbeat_id", kind="int", meaning="The wait that it woke or should have woken. Null: none."),
        Column(name="transaction_id", kind="int", meaning="The Sync that fetched it. Null: none in the capture."),
        Column(name="time", kind="time", meaning="Time of the notification, else of the Ping's answer."),
        Column(
            name="notify_to_ping_s",
            kind="float",
            meaning="From the notification to the Ping's answer, in seconds. Null: one of them is missing.",
        ),
        Column(
            name="ping_to_sync_s",
            kind="float",
            meaning="From the Ping's answer to the Sync request, in seconds. Null: one of them is missing.",
        ),
        Column(
            name="sync_done_s",
            kind="float",
            meaning="From the Sync request to the end of its answer, in seconds. Null: one of them is missing.",
        ),
        Column(
            name="outcome",
            kind="enum",
            meaning="What became of it.",
            values=(
                ("delivered", "the device fetched it without delay"),
                ("late", "the device fetched it, but only after another wait"),
                ("missed", "the wait was not answered though it should have been"),
                ("lost", "the notification was sent and did not arrive"),
                ("blocked", "the notification was refused on the way (ICMP unreachable)"),
                ("unmatched", "no wait fits"),
            ),
        ),
    ),
)
