"""The catalog entry of `reconnects`: connections that a kept one would have saved."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="reconnects",
    grain="one connection that took the place of one that had ended",
    key=("connection_id",),
    meaning=(
        "A session opened a connection although another of its own had ended shortly or long before: that one would "
        "have done, had it been kept. What it spent before its first answered request was spent for that."
    ),
    columns=(
        Column(name="session_id", kind="int", meaning="The session of both connections."),
        Column(name="connection_id", kind="int", meaning="The new connection."),
        Column(name="replaces_id", kind="int", meaning="The connection that had ended."),
        Column(name="start", kind="time", meaning="First packet of the new connection."),
        Column(name="gap_s", kind="float", meaning="From the end of the old one to the start of the new, in seconds."),
        Column(
            name="setup_ms",
            kind="float",
            meaning=(
                "From its first packet to the first byte of its first request, in milliseconds: the handshakes of TCP "
                "and TLS. Null: its beginning is not in the capture."
            ),
        ),
        Column(
            name="setup_bytes",
            kind="int",
            meaning=(
                "TCP payload that is no part of a request or answer: the TLS handshake, and its closing. Null: bytes "
                "are missing."
            ),
        ),
        Column(
            name="full_handshake",
            kind="bool",
            meaning="The TLS session was negotiated anew and not resumed. Null: no TLS, or not known.",
        ),
        Column(
            name="round_trips",
            kind="int",
            meaning=(
                "Round trips before the first request was accepted: one of TCP, one or two of TLS, one for each "
                "challenge. Null: not known whether the TLS session was resumed."
            ),
        ),
        Column(name="auth_rounds", kind="int", meaning="Requests on it that were answered by a challenge (401, 407)."),
        Column(name="auth_bytes", kind="int", meaning="Bytes on the wire of these and of their answers."),
        Column(name="auth_ms", kind="float", meaning="Time that these took, in milliseconds."),
    ),
)
