"""The catalog entry of `notifications`: the NOTIFY datagrams (Exchange 2003, UDP 2883)."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="notifications",
    grain="one NOTIFY datagram",
    key=("time", "frame"),
    meaning=(
        "Exchange 2003: the mailbox server tells the front-end over UDP (port 2883 by default) that a folder changed. "
        "A datagram that was captured at several points has a row for each."
    ),
    columns=(
        Column(name="time", kind="time", meaning="Time of the datagram."),
        Column(name="frame", kind="int", meaning="Frame number of the datagram."),
        Column(name="source_ip", kind="text", meaning="The mailbox server's address."),
        Column(name="destination_ip", kind="text", meaning="The front-end's address."),
        Column(name="destination_port", kind="int", meaning="UDP port it was sent to."),
        Column(
            name="subscription_ids", kind="json", meaning="List of the subscription ids it names. Empty: unsolicited."
        ),
        Column(name="call_back", kind="text", personal=True, meaning="The Call-Back URL it repeats."),
        Column(name="capture", kind="text", meaning="The capture it is in (captures.capture)."),
        Column(
            name="refused_by",
            kind="text",
            meaning="Who said with ICMP that it was not delivered. Null: nobody did.",
        ),
        Column(
            name="refusal_frame",
            kind="int",
            meaning="Frame number of that ICMP error. Null: there is none.",
        ),
    ),
)
