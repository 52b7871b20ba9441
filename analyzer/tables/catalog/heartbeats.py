"""The catalog entry of `heartbeats`: the held waits."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="heartbeats",
    grain="one held wait: a Ping, or a Sync that asks the server to wait",
    key=("heartbeat_id",),
    meaning="How long each push wait was asked for, how long it was held, and what became of it.",
    columns=(
        Column(name="heartbeat_id", kind="int", meaning="Number of the wait, from 1, in order of time."),
        Column(name="session_id", kind="int", meaning="The session whose device waited."),
        Column(name="connection_id", kind="int", meaning="The connection that carried the wait."),
        Column(
            name="transaction_id",
            kind="int",
            meaning="The HTTP transaction that is the wait; itself inferred where kind is.",
        ),
        Column(
            name="kind",
            kind="enum",
            meaning="What kind of request waited.",
            values=(
                ("ping", "a Ping command"),
                ("sync", "a Sync command that asks the server to hold its answer (hanging Sync)"),
                ("inferred", "a long poll in encrypted traffic, most likely a Ping or a hanging Sync"),
            ),
        ),
        Column(name="start", kind="time", meaning="Start of the wait: the last byte of the request."),
        Column(
            name="end",
            kind="time",
            meaning=(
                "End of the wait: the first byte of the answer; without an answer the end of the connection as seen "
                "at this capture point, or the end of the capture. Null: not visible."
            ),
        ),
        Column(
            name="requested_s",
            kind="float",
            meaning="The interval that was in force, in seconds. Null: not known (requested_source is unknown).",
        ),
        Column(
            name="requested_source",
            kind="enum",
            meaning=(
                "Where requested_s comes from. A request may leave the interval out; the server then uses what it "
                "stored."
            ),
            values=(
                ("body", "this request states it"),
                (
                    "inherited",
                    (
                        "from the newest earlier request of the same session and kind in the capture that states it; "
                        "the server may have stored another value, if it never received that request or answered it "
                        "at once"
                    ),
                ),
                (
                    "server_limit",
                    (
                        "the nearest legal value that the server named when it refused an earlier interval as out of "
                        "bounds"
                    ),
                ),
                ("unknown", "the capture does not show it: it begins after the interval was agreed"),
                (
                    "inferred",
                    ("from encrypted traffic: how long those of the device's waits lasted that ran out, to the second"),
                ),
            ),
        ),
        Column(
            name="held_s",
            kind="float",
            meaning=(
                "How long the wait was held: from start to end, in seconds. For an answer that was sent but never "
                "acknowledged: to its first sending. When a client gives up on a dead path this is its patience, not "
                "the path's timer."
            ),
        ),
        Column(
            name="outcome",
            kind="enum",
            meaning="What became of the wait.",
            values=(
                ("expired", "the interval ran out and the server said so: healthy"),
                ("changes", "the server answered because something changed: healthy"),
                ("error", "the server answered with an error (ping_status, http_status)"),
                (
                    "torn_down",
                    (
                        "it never got its answer: the connection ended, died or was answered by a gateway instead; "
                        "see teardowns"
                    ),
                ),
                ("replaced", "the device itself ended it before it was due, to send another request"),
                ("capture_end", "the capture ends while it is waiting"),
                ("unknown", "the capture does not show it, or an answer does not tell why it came"),
            ),
        ),
        Column(
            name="ping_status",
            kind="int",
            meaning=(
                "Status in the Ping answer; for a hanging Sync the Status of the whole Sync answer, where it has "
                "one. Null: none seen."
            ),
        ),
        Column(
            name="monitored_folders",
            kind="json",
            meaning=(
                "List of the folder ids that the server watches for this wait, inherited like requested_s. Null: not "
                "known."
            ),
        ),
        Column(
            name="changed_folders",
            kind="json",
            meaning=(
                "List of the folder ids that the answer names as changed; for a hanging Sync those that brought "
                "items or a new sync key. Empty: the answer names none. Null: no answer, or an error."
            ),
        ),
        Column(name="http_status", kind="int", meaning="HTTP status of the answer. Null: no answer."),
        Column(
            name="items",
            kind="int",
            meaning=(
                "Items in the answer to a hanging Sync: adds, changes and deletes of all collections. Zero with "
                "outcome changes: only the sync key moved. Null: a Ping, or no readable answer."
            ),
        ),
        Column(
            name="brought_bytes",
            kind="int",
            meaning=(
                "Kind inferred, outcome changes: bytes on the wire that the server sent after this answer and before "
                "the device's next wait, which is what the change set off. Null: another wait, or not seen; for a "
                "decoded wait see sync_sizes."
            ),
        ),
        Column(
            name="early_s",
            kind="float",
            meaning=(
                "requested_s minus held_s for an answered wait: how long before its time the answer came (negative: "
                "after). Up to a second early or some seconds late is ordinary expiry. Null: no answer, or "
                "requested_s is not known."
            ),
        ),
        Column(
            name="path",
            kind="text",
            personal=True,
            meaning=(
                "The network path that the wait was on: client network and server address, as in idle_timeouts, which "
                "has a row for it where something was learned of its timer. Null: its connection is not known."
            ),
        ),
        Column(
            name="server", kind="text", personal=True, meaning="The server as the device calls it (sessions.server)."
        ),
        Column(
            name="device_id",
            kind="text",
            personal=True,
            meaning="The device that waited (sessions.device_id). Null: never named.",
        ),
        Column(name="request_frame", kind="int", meaning="Frame number of the last byte of the request."),
        Column(
            name="response_frame",
            kind="int",
            meaning="Frame number of the first byte of the answer. Null: no answer seen.",
        ),
        Column(
            name="end_frame",
            kind="int",
            meaning=(
                "Frame number that marks the end of the wait: the answer, or the packet that closed the connection. "
                "Null: there is none."
            ),
        ),
    ),
)
