"""The catalog entry of `sessions`: users with their devices."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="sessions",
    grain="one user with one device on one server",
    key=("session_id",),
    meaning=(
        "Who synchronised what with which server. A request that names no device (OPTIONS, say) belongs to the "
        "session of its connection when that has exactly one; otherwise it makes a session of its own, with what it "
        "does name."
    ),
    columns=(
        Column(name="session_id", kind="int", meaning="Number of the session, from 1, in order of its first request."),
        Column(
            name="server",
            kind="text",
            personal=True,
            meaning=(
                "The server as the device calls it (Host header, or the TLS server name where all stayed encrypted); "
                "its address and port when it sends none."
            ),
        ),
        Column(
            name="user",
            kind="text",
            personal=True,
            meaning="User name, from the query or from HTTP authentication. Null: never named.",
        ),
        Column(
            name="device_id",
            kind="text",
            personal=True,
            meaning=(
                "DeviceId of the query; where all of it stayed encrypted and its waits were inferred, the client's "
                "address. Null: never named."
            ),
        ),
        Column(
            name="device_type",
            kind="text",
            personal=True,
            meaning="DeviceType of the query, the newest seen. Null: never named.",
        ),
        Column(
            name="user_agent",
            kind="text",
            personal=True,
            meaning="User-Agent header, the newest seen. Null: never sent.",
        ),
        Column(
            name="protocol_version",
            kind="text",
            meaning="Exchange ActiveSync protocol version, the newest seen. Null: never sent.",
        ),
        Column(
            name="sync_mode",
            kind="enum",
            meaning="How the device learns of new mail.",
            values=(
                ("direct_push", "it keeps a Ping or a hanging Sync waiting at the server"),
                ("scheduled", "it asks at regular intervals"),
                ("manual", "it asks when the user does"),
                ("sms_triggered", "it asks after a trigger message (Exchange 2003 before SP2)"),
                ("unknown", "the capture does not show it"),
            ),
        ),
        Column(
            name="first_seen",
            kind="time",
            meaning="Start of its first request (or answer, if the request is not in the capture).",
        ),
        Column(name="last_seen", kind="time", meaning="End of its last request or answer."),
        Column(name="heartbeats", kind="int", meaning="Number of waits (rows of heartbeats)."),
        Column(name="connections", kind="int", meaning="Number of TCP connections that carried its requests."),
        Column(
            name="bytes_up",
            kind="int",
            meaning="Bytes of its requests on the wire (TCP payload). Connection set-up is not counted.",
        ),
        Column(
            name="bytes_down",
            kind="int",
            meaning="Bytes of its answers on the wire (TCP payload). Connection set-up is not counted.",
        ),
        Column(name="transactions", kind="int", meaning="Number of its HTTP transactions."),
        Column(
            name="scheduled_period_s",
            kind="float",
            meaning="Period of its schedule in seconds, the mean of what was seen. Null: not scheduled, or not sure.",
        ),
    ),
)
