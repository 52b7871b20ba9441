"""The catalog entry of `sync_sizes`: what each folder cost."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="sync_sizes",
    grain="one collection (folder) in one Sync",
    key=("transaction_id", "collection_id"),
    meaning=(
        "What each Sync moved for each folder. The decoded bytes run from the Collection's tag to its END; the bytes "
        "on the wire and of the body as sent are divided in proportion to them, so that the shares of all "
        "collections and of the envelope (all that is in no collection) add up to the transaction's size. A Sync "
        "without a body, answered without a body, names no collection and has no row: nothing changed."
    ),
    columns=(
        Column(name="transaction_id", kind="int", meaning="The transaction that is the Sync."),
        Column(name="session_id", kind="int", meaning="The session that synchronised."),
        Column(
            name="time",
            kind="time",
            meaning="Start of the request (of the answer, if the request is not in the capture).",
        ),
        Column(
            name="collection_id",
            kind="text",
            personal=True,
            meaning="The server's id of the folder. Null: the message does not name it.",
        ),
        Column(
            name="folder_name",
            kind="text",
            personal=True,
            meaning=(
                "Name of the folder, from the newest FolderSync of the session before this Sync, else from the first "
                "one after it. Null: the capture does not show it."
            ),
        ),
        Column(
            name="folder_class",
            kind="text",
            meaning=(
                "Kind of the folder: its type in FolderSync in words (inbox, calendar, user contacts, ...), else the "
                "Class that the Sync itself states (email, ...). Null: neither is in the capture."
            ),
        ),
        Column(
            name="sync_key_sent",
            kind="text",
            meaning=(
                "Sync key of the request; 0 starts anew. Null: the request does not name this collection (empty or "
                "partial request)."
            ),
        ),
        Column(
            name="sync_key_received",
            kind="text",
            meaning="Sync key of the answer, to be used next. Null: the answer does not name this collection.",
        ),
        Column(
            name="status",
            kind="int",
            meaning=(
                "Status of the collection, else of the whole Sync. Null: none was sent (empty answer) or no answer "
                "seen."
            ),
        ),
        Column(
            name="adds",
            kind="int",
            meaning=(
                "Items that the server added. Zero when the answer names no such collection; null: no readable answer."
            ),
        ),
        Column(name="changes", kind="int", meaning="Items that the server changed. Null: no readable answer."),
        Column(
            name="deletes",
            kind="int",
            meaning="Items that the server deleted, soft deletes included. Null: no readable answer.",
        ),
        Column(
            name="more_available",
            kind="bool",
            meaning="True: the server has more and the device must ask again at once. Null: no readable answer.",
        ),
        Column(
            name="window_size",
            kind="int",
            meaning=(
                "WindowSize of the collection in the request, else of the whole request: most items wanted. Null: "
                "not sent."
            ),
        ),
        Column(
            name="filter_type",
            kind="int",
            meaning=(
                "FilterType: how far back items are wanted (0 all, 1 a day ... 7 six months, 8 incomplete tasks). "
                "Null: not sent."
            ),
        ),
        Column(
            name="truncation",
            kind="text",
            meaning=(
                "How much of the texts is wanted, in bytes, for each kind of text: html:32768, mime:0, text:all, ... "
                "Null: not sent."
            ),
        ),
        Column(
            name="upload_bytes",
            kind="int",
            meaning=(
                "Decoded bytes of the collection in the request. Zero: the request does not name it. Null: request "
                "not readable."
            ),
        ),
        Column(
            name="download_bytes",
            kind="int",
            meaning=(
                "Decoded bytes of the collection in the answer. Zero: the answer does not name it. Null: answer not "
                "readable."
            ),
        ),
        Column(
            name="upload_wire_bytes",
            kind="int",
            meaning="Share of the request's bytes on the wire. Null: request not readable.",
        ),
        Column(
            name="download_wire_bytes",
            kind="int",
            meaning="Share of the answer's bytes on the wire. Null: answer not readable.",
        ),
        Column(
            name="upload_body_bytes",
            kind="int",
            meaning="Share of the request's body as sent (compressed if it was). Null: request not readable.",
        ),
        Column(
            name="download_body_bytes",
            kind="int",
            meaning="Share of the answer's body as sent (compressed if it was). Null: answer not readable.",
        ),
        Column(name="client_adds", kind="int", meaning="Items that the device added. Null: request not readable."),
        Column(name="client_changes", kind="int", meaning="Items that the device changed. Null: request not readable."),
        Column(name="client_deletes", kind="int", meaning="Items that the device deleted. Null: request not readable."),
        Column(
            name="client_fetches",
            kind="int",
            meaning="Items that the device asked for in full. Null: request not readable.",
        ),
        Column(
            name="largest_item_bytes",
            kind="int",
            meaning="Decoded size of the largest item in the answer. Null: no item.",
        ),
        Column(
            name="items_bytes",
            kind="int",
            meaning="Decoded size of all items in the answer. Null: answer not readable.",
        ),
        Column(
            name="content_encoding",
            kind="text",
            meaning="Content-Encoding of the answer: gzip, deflate, ... Null: sent uncompressed, or no answer.",
        ),
        Column(
            name="initial",
            kind="bool",
            meaning=(
                "True: the request sends sync key 0, which starts the folder anew and brings no items yet. Null: the "
                "request does not name it."
            ),
        ),
        Column(name="held", kind="bool", meaning="True: this Sync is also a wait (a row of heartbeats)."),
        Column(
            name="request_frame", kind="int", meaning="Frame number of the first byte of the request. Null: not seen."
        ),
        Column(
            name="response_frame", kind="int", meaning="Frame number of the first byte of the answer. Null: not seen."
        ),
    ),
)
