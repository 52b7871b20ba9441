"""The catalog entry of `idle_timeouts`: what the paths do to idle connections."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="idle_timeouts",
    grain="one network path: a client network and a server address",
    key=("path",),
    meaning=(
        "The idle timer of each path, as the interval that its survived and cut waits leave. It is never a single "
        "number: a timer can only be known to lie between an idle time that survived and one that did not."
    ),
    columns=(
        Column(
            name="path",
            kind="text",
            personal=True,
            meaning="Client network (/24 for IPv4, /64 for IPv6) and server address.",
        ),
        Column(name="clients", kind="int", meaning="Number of client addresses seen on the path."),
        Column(name="server_ip", kind="text", meaning="IP address of the server, as seen at the capture point."),
        Column(
            name="low_s",
            kind="float",
            meaning=(
                "The timer is longer than this. Null: nothing survived, or deaths and survivals contradict one another."
            ),
        ),
        Column(
            name="high_s",
            kind="float",
            meaning=(
                "The timer is at most this. Null: nothing died of idleness, or deaths and survivals contradict one "
                "another."
            ),
        ),
        Column(
            name="behaviour",
            kind="enum",
            meaning=(
                "What the path does to a connection that was idle too long (the most frequent way). Null: nothing died."
            ),
            values=(
                ("reset", "it sends RST"),
                ("fin", "it closes with FIN"),
                ("silent", "it drops packets and says nothing"),
                ("proxy_error", "it answers with an HTTP error page"),
            ),
        ),
        Column(
            name="deaths",
            kind="int",
            meaning="Premature endings that can be due to idleness. Endings with another known cause are not counted.",
        ),
        Column(name="survivals", kind="int", meaning="Waits that were answered: their idle time got through."),
        Column(
            name="longest_survived_s",
            kind="float",
            meaning="Longest idle time that an answer got through after. Null: none did.",
        ),
        Column(
            name="shortest_death_s",
            kind="float",
            meaning=(
                "Shortest idle time that ended in death. For silent deaths that is the time to the first packet that "
                "failed: the state died at some time before. Null: none died."
            ),
        ),
        Column(
            name="confidence",
            kind="float",
            meaning=(
                "Probability, at least, that the timer lies in the interval (one threshold with mistakes, see "
                "analyzer/timers). Null: too few deaths to give one, or nothing died; the interval is what the waits "
                "leave."
            ),
        ),
        Column(
            name="candidates",
            kind="json",
            meaning=(
                "List of products whose documented default lies inside the interval: name, timer_s, source. A hint, "
                "no proof. Empty: none fits, or the interval is open."
            ),
        ),
        Column(
            name="advice", kind="text", meaning="What to do about it, or why nothing can be said. Null: nothing to do."
        ),
        Column(
            name="refreshed",
            kind="int",
            meaning=(
                "Waits left out because other packets kept their connections busy, so that no idle timer ran: TCP "
                "keep-alives, or other requests on the same HTTP/2 connection."
            ),
        ),
    ),
)
