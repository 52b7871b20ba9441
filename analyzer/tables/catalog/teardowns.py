"""The catalog entry of `teardowns`: how connections ended."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="teardowns",
    grain="one end of a connection with Exchange ActiveSync (a row for each wait pending on it), or a gateway's error",
    key=("teardown_id",),
    meaning=(
        "Who ended each connection, why, and whether that cut off a wait. Everything is as seen at the capture "
        "point: the server side is the endpoint that ends TCP as seen from here. Unknown is said where the evidence "
        "does not decide."
    ),
    columns=(
        Column(name="teardown_id", kind="int", meaning="Number of the ending, from 1, in order of time."),
        Column(name="connection_id", kind="int", meaning="The connection that ended; after http_error it may live on."),
        Column(
            name="heartbeat_id",
            kind="int",
            meaning="The wait that was pending and never got its answer. Null: none was.",
        ),
        Column(
            name="time",
            kind="time",
            meaning=(
                "When it ended: the packet that closed it; the first packet that got no answer; the first byte of "
                "the error page; or the last packet before the capture ended."
            ),
        ),
        Column(
            name="mechanism",
            kind="enum",
            meaning="What the ending looked like.",
            values=(
                ("fin", "closed with FIN"),
                ("rst", "reset with RST"),
                ("silent", "no sign of an ending reached the side that waited: packets went unanswered (black hole)"),
                ("tls_close", "closed in an orderly way, with a TLS close_notify before the FIN"),
                ("http_error", "a gateway answered in the server's place (HTTP 408, 502, 503, 504)"),
                ("capture_end", "the capture ends first: how the connection ended is not known"),
            ),
        ),
        Column(
            name="ended_by",
            kind="enum",
            meaning="Who ended it, as far as the evidence decides.",
            values=(
                ("client", "the device (or what speaks for it at this capture point)"),
                (
                    "server_side",
                    "the endpoint that ends TCP on the server's side, whatever it is: server, proxy, load balancer",
                ),
                ("middlebox", "something on the way or in front of the server: a firewall, a NAT, a reverse proxy"),
                ("path", "the path stopped carrying packets and nobody said anything"),
                ("unknown", "the evidence does not decide"),
            ),
        ),
        Column(
            name="cause",
            kind="enum",
            meaning="Why it ended, as far as the evidence decides.",
            values=(
                ("idle_timeout", "an idle timer ran out, on the way or at the endpoint that `ended_by` names"),
                ("proxy_timeout", "a reverse proxy stopped waiting for its server"),
                ("endpoint_close", "an endpoint closed it, as endpoints do; nothing tells why"),
                ("server_stop", "the server was stopped or restarted"),
                ("device_lost", "the device vanished (no coverage, switched off)"),
                ("roamed", "the device went on from another network address"),
                ("replaced", "the device dropped the wait to do something else"),
                ("mass_event", "many connections ended in the same moment"),
                ("maximum_age", "something limits the age of connections"),
                ("scheduled", "it happens at fixed times of the clock"),
                ("policy", "a rule forbids the traffic"),
                ("http_error", "the gateway could not get an answer from the server behind it"),
                ("unknown", "the evidence does not decide"),
            ),
        ),
        Column(
            name="premature",
            kind="bool",
            meaning=(
                "True: a wait was pending and never got its answer, and the client did not choose to end it before "
                "it was due. Null: cannot be told (interval not known, bytes missing, capture ended)."
            ),
        ),
        Column(
            name="idle_s",
            kind="float",
            meaning=(
                "How long the connection had been idle: from the last packet with data that got through, in either "
                "direction, to the packet that ended it or the first one that got no answer. Null: cannot be told."
            ),
        ),
        Column(
            name="age_s",
            kind="float",
            meaning="Age of the connection at that time, in seconds. A lower bound if the capture lacks its start.",
        ),
        Column(
            name="evidence_grade",
            kind="enum",
            meaning="How sure ended_by is, and how sure the cause, if one is named.",
            values=(
                ("proven", "the packets admit no other reading"),
                ("likely", "the evidence points one way"),
                ("possible", "the evidence fits, and fits other readings too"),
                ("unknown", "there is no evidence either way"),
            ),
        ),
        Column(
            name="evidence",
            kind="json",
            meaning=(
                "List of what the judgement rests on: kind (a word), detail (a sentence), frames (list of frame "
                "numbers). Kinds and how they are weighed: analyzer/timeline/attribution."
            ),
        ),
        Column(
            name="session_id",
            kind="int",
            meaning="The session whose wait was pending, else the session of the connection when it has exactly one.",
        ),
        Column(
            name="requested_s",
            kind="float",
            meaning="heartbeats.requested_s of the pending wait. Null: none pending, or not known.",
        ),
        Column(name="held_s", kind="float", meaning="heartbeats.held_s of the pending wait. Null: none pending."),
        Column(
            name="first_frame",
            kind="int",
            meaning="First frame of the evidence, or the frame that closed the connection. Null: there is none.",
        ),
        Column(
            name="display_filter",
            kind="text",
            personal=True,
            meaning="Wireshark display filter that shows the connection.",
        ),
    ),
)
