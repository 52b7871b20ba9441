"""The catalog entry of `authentications`: how connections were signed in to."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="authentications",
    grain="one sign-in on one connection",
    key=("connection_id", "start"),
    meaning=(
        "HTTP authentication on the device's leg and on that between front-end and mailbox server: which scheme, how "
        "many requests were answered by a challenge first, and what that cost. Never the credentials."
    ),
    columns=(
        Column(name="connection_id", kind="int", meaning="The connection that it was made on."),
        Column(
            name="leg",
            kind="enum",
            meaning="Between which machines it was.",
            values=(
                ("front", "a device, or what publishes the server to it, and the server that it calls"),
                ("back", "a front-end server and a mailbox server (WebDAV, or requests handed on)"),
            ),
        ),
        Column(
            name="scheme",
            kind="enum",
            meaning="The scheme that was used last.",
            values=(
                ("basic", "user name and password in every request"),
                ("bearer", "a token"),
                ("ntlm", "NTLM: two challenges on each new connection"),
                ("negotiate", "Kerberos, or with two challenges NTLM"),
                ("kerberos", "Kerberos by its own name"),
                ("digest", "Digest"),
                ("other", "another scheme"),
                ("client_certificate", "no Authorization header, but a certificate of the client in the TLS handshake"),
                ("none", "no Authorization header, and no certificate that was seen"),
            ),
        ),
        Column(
            name="offered",
            kind="text",
            meaning="Schemes that the first challenge offers. Null: there was no challenge.",
        ),
        Column(name="rounds", kind="int", meaning="Requests that were answered by a challenge (401 or 407)."),
        Column(name="start", kind="time", meaning="First byte of the first of its requests."),
        Column(
            name="end",
            kind="time",
            meaning="First byte of the request that was not challenged; end of the last challenge where none followed.",
        ),
        Column(name="time_ms", kind="float", meaning="From start to end, in milliseconds; 0 without a challenge."),
        Column(name="bytes", kind="int", meaning="Bytes on the wire of the challenged requests and of their answers."),
        Column(
            name="outcome",
            kind="enum",
            meaning="What became of the sign-in.",
            values=(
                ("accepted", "the server went on to answer the request"),
                ("forbidden", "signed in, but not allowed (403)"),
                ("refused", "the last answer on this connection was a challenge"),
                ("unknown", "the answer is not in the capture"),
            ),
        ),
        Column(name="session_id", kind="int", meaning="The session of the request. Null: none, as between servers."),
        Column(name="transaction_id", kind="int", meaning="The last request of the exchange."),
        Column(name="user", kind="text", personal=True, meaning="User name of Basic. Null: another scheme."),
        Column(name="first_frame", kind="int", meaning="Frame of the first byte."),
    ),
)
