"""The catalog entry of `connections`: one TCP life each, with the evidence of its ending."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="connections",
    grain="one TCP connection (one TCP life)",
    key=("connection_id",),
    meaning=(
        "Every TCP connection that could matter for Direct Push, encrypted or not, as it was seen at the capture "
        "point. The server is the endpoint that ends TCP as seen from here: it may be a proxy or a load balancer."
    ),
    columns=(
        Column(name="connection_id", kind="int", meaning="Number of the connection, from 1, in order of first frames."),
        Column(name="capture", kind="text", meaning="The capture file (captures.capture) in which it begins."),
        Column(name="start", kind="time", meaning="Time of its first packet in the capture."),
        Column(name="end", kind="time", meaning="Time of its last packet in the capture."),
        Column(
            name="client_ip",
            kind="text",
            personal=True,
            meaning="IP address of the client, as seen at the capture point.",
        ),
        Column(name="client_port", kind="int", meaning="TCP port of the client."),
        Column(name="server_ip", kind="text", meaning="IP address of the server, as seen at the capture point."),
        Column(name="server_port", kind="int", meaning="TCP port of the server."),
        Column(name="frames_client", kind="int", meaning="Frames from the client, each captured copy counted."),
        Column(name="frames_server", kind="int", meaning="Frames from the server, each captured copy counted."),
        Column(
            name="bytes_client",
            kind="int",
            meaning="TCP payload bytes from the client; retransmissions not counted again.",
        ),
        Column(
            name="bytes_server",
            kind="int",
            meaning="TCP payload bytes from the server; retransmissions not counted again.",
        ),
        Column(
            name="missing_bytes",
            kind="int",
            meaning="TCP payload bytes of both sides that were on the wire and are not in the capture.",
        ),
        Column(name="retransmissions", kind="int", meaning="Segments of both sides that repeat payload already sent."),
        Column(name="keepalives", kind="int", meaning="TCP keep-alive probes of both sides."),
        Column(
            name="rtt_ms",
            kind="float",
            meaning=(
                "Smallest round trip between the capture point and both ends together, in milliseconds: the smallest "
                "time that each side took to acknowledge a packet, added. Null: not seen for both sides."
            ),
        ),
        Column(
            name="conn_state",
            kind="enum",
            meaning="How the connection began and ended, in the words of Zeek's conn.log.",
            values=(
                ("S0", "a connection attempt was seen, no answer"),
                ("S1", "established, not ended in the capture"),
                ("SF", "established and ended in an orderly way"),
                ("REJ", "the attempt was refused with RST"),
                ("S2", "established, the client closed, no reply from the server"),
                ("S3", "established, the server closed, no reply from the client"),
                ("RSTO", "established, the client sent RST"),
                ("RSTR", "the server sent RST"),
                ("RSTOS0", "the client sent SYN and then RST, no SYN/ACK seen"),
                ("RSTRH", "the server sent SYN/ACK and then RST, no SYN seen"),
                ("SH", "the client sent SYN and then FIN, no SYN/ACK seen"),
                ("SHR", "the server sent SYN/ACK and then FIN, no SYN seen"),
                ("OTH", "the beginning is not in the capture and it was not closed"),
            ),
        ),
        Column(
            name="history",
            kind="text",
            meaning="What happened, a letter an event in Zeek's code: S SYN, H SYN/ACK, A ACK, D data, F FIN, R RST, "
            "T retransmission, G gap, W zero window; upper case from the client, lower case from the server.",
        ),
        Column(name="tls_version", kind="text", meaning="TLS version that was agreed. Null: no TLS handshake seen."),
        Column(name="tls_cipher", kind="text", meaning="TLS cipher suite (IANA name). Null: no ServerHello seen."),
        Column(
            name="sni",
            kind="text",
            personal=True,
            meaning="Host name that the client asked for in its ClientHello. Null: not sent or not seen.",
        ),
        Column(
            name="alpn",
            kind="text",
            meaning="Application protocol that was agreed in the TLS handshake. Null: none or not visible.",
        ),
        Column(
            name="tls_resumed",
            kind="bool",
            meaning="True: the handshake resumed an earlier TLS session. Null: cannot be told.",
        ),
        Column(
            name="decryption",
            kind="enum",
            meaning="How much of the connection's content could be read.",
            values=(
                ("decrypted", "TLS, and all of it was decrypted"),
                ("partial", "TLS, and only a part of it could be decrypted; why_encrypted says what stopped it"),
                ("plaintext", "HTTP without TLS"),
                ("encrypted", "TLS, and nothing of it could be read; why_encrypted says why"),
                ("not_http", "neither TLS nor HTTP, or not looked into because it cannot be Direct Push"),
            ),
        ),
        Column(
            name="why_encrypted",
            kind="text",
            meaning="Why the connection, or a part of it, could not be decrypted. Null: nothing stayed encrypted.",
        ),
        Column(
            name="eas_evidence",
            kind="enum",
            meaning="Whether the connection carries Exchange ActiveSync, and how that is known.",
            values=(
                ("decoded", "its requests were read"),
                (
                    "inferred",
                    "long polls in encrypted traffic that are most likely ActiveSync, by sizes and times alone",
                ),
                ("none", "no sign of Exchange ActiveSync"),
            ),
        ),
        Column(name="first_frame", kind="int", meaning="Frame number (Wireshark's) of its first packet."),
        Column(name="last_frame", kind="int", meaning="Frame number (Wireshark's) of its last packet."),
        Column(
            name="display_filter",
            kind="text",
            personal=True,
            meaning=(
                "Wireshark display filter that shows this connection. It cannot tell apart two connections that used "
                "the same addresses and ports: first_frame and last_frame do."
            ),
        ),
        Column(
            name="duplicate_of",
            kind="int",
            meaning=(
                "The connection_id of the same bytes seen at another point of the path (the other leg of a NAT, "
                "say). The transactions of such a connection are reported once, with the other one. Null: it is not "
                "a copy."
            ),
        ),
        Column(
            name="handshake_ms",
            kind="float",
            meaning="From SYN to the ACK that completes the TCP handshake. Null: not in the capture.",
        ),
        Column(
            name="sessions",
            kind="int",
            meaning="Number of sessions (devices) whose requests it carried. More than one: a proxy shares it.",
        ),
        Column(
            name="client_random",
            kind="text",
            meaning="Random of the ClientHello, hexadecimal: what a key log names the connection by. Null: not seen.",
        ),
    ),
)
