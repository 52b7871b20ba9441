"""The catalog entry of `answer_shares`: whose time an answer was."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="answer_shares",
    grain="one request of a device during which its server asked the directory or a mailbox server",
    key=("transaction_id",),
    meaning=(
        "The time to the first byte of an answer, divided: the directory, the mailbox server, and the rest. Only what "
        "the capture shows can be divided off, so the rest is an upper bound of the front-end's own time."
    ),
    columns=(
        Column(name="transaction_id", kind="int", meaning="The request of the device."),
        Column(name="session_id", kind="int", meaning="The session of the request."),
        Column(name="command", kind="text", meaning="Its command. Null: it names none."),
        Column(name="held", kind="bool", meaning="It is a push wait: most of the rest is waiting, and nobody's fault."),
        Column(
            name="answer_ms",
            kind="float",
            meaning="From the first byte of the request to the first byte of its answer, in milliseconds.",
        ),
        Column(name="searches", kind="int", meaning="Searches of the directory in that time (directory_searches)."),
        Column(name="directory_ms", kind="float", meaning="Time in which a search was under way, in milliseconds."),
        Column(name="backend_requests", kind="int", meaning="Requests to a mailbox server in that time."),
        Column(
            name="backend_ms",
            kind="float",
            meaning="Time in which one of these was under way and no search was, in milliseconds.",
        ),
        Column(name="rest_ms", kind="float", meaning="What is left of answer_ms, in milliseconds."),
    ),
)
