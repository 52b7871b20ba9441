"""The catalog entry of `anomalies`: odd bytes."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="anomalies",
    grain="one oddity in the bytes",
    key=("time", "frame", "code", "connection_id"),
    meaning=(
        "Bytes that the protocol does not allow or that could not be followed. They cost what they concern and "
        "nothing else; a judgement is a finding."
    ),
    columns=(
        Column(
            name="code",
            kind="text",
            meaning="What kind of oddity, in snake_case. `directpush explain CODE` says what it means.",
        ),
        Column(name="connection_id", kind="int", meaning="The connection it is in. Null: it is in none."),
        Column(name="frame", kind="int", meaning="Frame number. Null: it is in no single frame."),
        Column(name="time", kind="time", meaning="Time of the frame. Null: it has none."),
        Column(name="detail", kind="text", meaning="What was found, in words; no secret and no personal text."),
        Column(name="capture", kind="text", meaning="The capture file (captures.capture) it is in."),
    ),
)
