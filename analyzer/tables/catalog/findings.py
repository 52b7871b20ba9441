"""The catalog entry of `findings`: the judgements."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="findings",
    grain="one judgement",
    key=("code", "session_id", "connection_id", "start"),
    meaning=(
        "What the rules make of the other tables: what is wrong, why it hurts and what to do. `directpush explain "
        "CODE` prints a rule's page."
    ),
    columns=(
        Column(name="code", kind="text", meaning="The rule: DP and a number."),
        Column(
            name="severity",
            kind="enum",
            meaning="How much it matters.",
            values=(
                ("info", "worth knowing"),
                ("warning", "costs something or will"),
                ("error", "push does not work as it should"),
            ),
        ),
        Column(name="title", kind="text", meaning="The judgement in one line."),
        Column(
            name="detail",
            kind="text",
            personal=True,
            meaning="The judgement with its numbers; it may name devices and addresses.",
        ),
        Column(name="advice", kind="text", meaning="What to do. Null: nothing."),
        Column(name="session_id", kind="int", meaning="The session it concerns. Null: several or none."),
        Column(name="connection_id", kind="int", meaning="The connection it concerns. Null: several or none."),
        Column(name="start", kind="time", meaning="From when it concerns. Null: no time."),
        Column(name="end", kind="time", meaning="Until when it concerns. Null: no time."),
        Column(
            name="confidence",
            kind="enum",
            meaning="How sure it is; the words of teardowns.evidence_grade.",
            values=(
                ("proven", "the packets admit no other reading"),
                ("likely", "the evidence points one way"),
                ("possible", "the evidence fits, and fits other readings too"),
                ("unknown", "there is no evidence either way"),
            ),
        ),
        Column(name="frames", kind="json", meaning="List of the frame numbers that show it."),
        Column(
            name="display_filter",
            kind="text",
            personal=True,
            meaning="Wireshark display filter that shows it. Null: nothing to show.",
        ),
        Column(
            name="settled_by",
            kind="enum",
            meaning=(
                "Which further capture would settle what the finding leaves open. Null: nothing is open, or the advice "
                "asks for it."
            ),
            values=(
                ("other_side", "one on the other side of the suspected box, at the same time"),
                ("behind_proxy", "one between the proxy and the server"),
                ("server", "one on the server itself, behind all that is in front of it"),
            ),
        ),
    ),
)
