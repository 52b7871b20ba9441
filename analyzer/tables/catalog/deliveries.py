"""The catalog entry of `deliveries`: from a notification to the mail on the device."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="deliveries",
    grain="one change that should reach a device",
    key=("delivery_id",),
    meaning=(
        "A notification joined to the wait it should wake and to the Sync that fetched the change. Without the "
        "servers' side in the capture: each Ping that was answered because of a change, and the Sync that followed."
    ),
    columns=(
        Column(name="delivery_id", kind="int", meaning="Number of the delivery, from 1, in order of time."),
        Column(name="session_id", kind="int", meaning="The session it is for. Null: not known."),
        Column(
            name="notification_frame", kind="int", meaning="Frame of the NOTIFY datagram. Null: none in the capture."
        ),
        Column(name="heartbeat_id", kind="int", meaning="The wait that it woke or should have woken. Null: none."),
        Column(name="transaction_id", kind="int", meaning="The Sync that fetched it. Null: none in the capture."),
        Column(
            name="time",
            kind="time",
            meaning=(
                "Time of the notification, else of the ICMP error that quotes it, else of the answer to the POLL that "
                "showed the change, else of the Ping's answer."
            ),
        ),
        Column(
            name="notify_to_ping_s",
            kind="float",
            meaning=(
                "From the notification to the Ping's answer that told of changes, in seconds. Null: one of them is "
                "missing."
            ),
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
            meaning="What became of it. Null: the capture does not show it, see not_seen.",
            values=(
                ("delivered", "the device asked for it within 30 s"),
                ("late", "the device fetched it, but later: mostly after another wait"),
                ("missed", "the notification arrived, the wait was not answered, and nothing fetched it"),
                ("lost", "the notification was sent and did not arrive: a POLL or a second capture shows it"),
                ("blocked", "the notification was refused on the way (ICMP unreachable)"),
                ("unmatched", "no wait fits"),
            ),
        ),
        Column(
            name="total_s",
            kind="float",
            meaning="From `time` to the end of the Sync that fetched it, in seconds. Null: no such Sync is known.",
        ),
        Column(
            name="subscription_ids",
            kind="json",
            meaning="List of the subscriptions that told of it. Null: none is known.",
        ),
        Column(name="source_ip", kind="text", meaning="The mailbox server's address. Null: not known."),
        Column(name="destination_ip", kind="text", meaning="Where the notification went. Null: not known."),
        Column(name="destination_port", kind="int", meaning="UDP port it went to. Null: not known."),
        Column(
            name="reaction_s",
            kind="float",
            meaning=(
                "From the notification to the front-end's next POLL or UNSUBSCRIBE of the subscription, in seconds: "
                "it has arrived. Null: none in the capture."
            ),
        ),
        Column(name="refused_by", kind="text", meaning="Who refused it (ICMP). Null: nobody did."),
        Column(
            name="refusal",
            kind="enum",
            meaning="How it was refused. Null: it was not.",
            values=(
                ("prohibited", "a filter forbids it"),
                ("port_unreachable", "nothing listens on the port"),
                ("host_unreachable", "the host cannot be reached"),
                ("net_unreachable", "there is no route"),
                ("unreachable", "not delivered, for another reason"),
                ("time_exceeded", "it went in circles"),
                ("too_big", "it was too large for a link"),
            ),
        ),
        Column(name="refusal_frame", kind="int", meaning="Frame number of the ICMP error. Null: there is none."),
        Column(
            name="poll_frame",
            kind="int",
            meaning="Frame number of the POLL that showed a change which no notification told of. Null: no such POLL.",
        ),
        Column(
            name="joined_by",
            kind="enum",
            meaning="What joins the notification to the session. Null: nothing does.",
            values=(
                ("subscription", "the subscription it names was made for a wait of that session"),
                ("time", "only one device's Ping was answered within 5 s after it"),
                ("only_device", "it is the only device in the capture"),
            ),
        ),
        Column(
            name="not_seen",
            kind="json",
            meaning=(
                "List of what the capture does not show of it: notification, subscription, wait (no wait of a device "
                "is readable), sync."
            ),
        ),
    ),
)
