"""The catalog entry of `directory_searches`: what servers asked the directory."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="directory_searches",
    grain="one LDAP search or bind, or one LDAP connection that stays encrypted",
    key=("connection_id", "start"),
    meaning=(
        "Before a server lets a user in, and while it works for one, it asks the directory. Only plain LDAP (ports 389 "
        "and 3268 as a rule) can be read; of what was found only the number is kept."
    ),
    columns=(
        Column(name="connection_id", kind="int", meaning="The connection to the directory."),
        Column(
            name="operation",
            kind="enum",
            meaning="What the directory was asked for.",
            values=(
                ("search", "entries of the directory"),
                ("bind", "to be signed in"),
                ("sealed", "from here on the connection is signed, sealed or TLS and is not read"),
                ("encrypted", "the whole connection is LDAP over TLS and is not read"),
            ),
        ),
        Column(name="start", kind="time", meaning="First byte of the request."),
        Column(name="end", kind="time", meaning="Last byte of the final result. Null: it is not in the capture."),
        Column(name="time_ms", kind="float", meaning="From start to end, in milliseconds."),
        Column(name="rounds", kind="int", meaning="Requests that it took: binds may need several."),
        Column(name="client_ip", kind="text", personal=True, meaning="Address of the server that asked."),
        Column(name="server_ip", kind="text", meaning="Address of the directory server."),
        Column(
            name="mechanism",
            kind="text",
            meaning="Of a bind: anonymous, simple, sicily (NTLM) or the SASL mechanism. Null: no bind.",
        ),
        Column(name="scope", kind="text", meaning="Of a search: base, one or subtree. Null: no search, or cut."),
        Column(
            name="searched_by",
            kind="text",
            meaning="The attribute whose value names the user. Null: the filter names none.",
        ),
        Column(name="user", kind="text", personal=True, meaning="That value. Null: the filter names no user."),
        Column(
            name="result_code",
            kind="int",
            meaning="LDAP result code: 0 success, 32 no such object, 49 invalid credentials. Null: no result was seen.",
        ),
        Column(name="entries", kind="int", meaning="Entries that were found. Null: no result was seen."),
        Column(
            name="bytes", kind="int", meaning="Bytes of its LDAP messages; of the whole connection where encrypted."
        ),
        Column(
            name="transaction_id",
            kind="int",
            meaning="The request of a device that it was made for. Null: none, or several are possible.",
        ),
        Column(
            name="matched_by",
            kind="enum",
            meaning="What tells that. Null: it was made for no request that is known.",
            values=(
                ("user", "the search names the user of that request"),
                ("time", "it was the only request that this server was answering"),
            ),
        ),
        Column(name="first_frame", kind="int", meaning="Frame of the first byte of the request."),
    ),
)
