"""The catalog entry of `transactions`: HTTP requests with their responses."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="transactions",
    grain="one HTTP request and its response",
    key=("transaction_id",),
    meaning=(
        "Every HTTP transaction that could be read. Sizes add up, for the request and for the response: the bytes on "
        "the wire (TCP payload) are those of TLS, of the HTTP head and of the body as sent; beside them stands the "
        "body decoded. Of a connection's payload the rest is in no transaction: TLS handshakes and alerts, and what "
        "is no HTTP."
    ),
    columns=(
        Column(name="transaction_id", kind="int", meaning="Number of the transaction, from 1, in order of time."),
        Column(name="connection_id", kind="int", meaning="The connection that carried it."),
        Column(name="session_id", kind="int", meaning="The session it belongs to. Null: not Exchange ActiveSync."),
        Column(
            name="request_start",
            kind="time",
            meaning="Time of the frame with the first byte of the request. Null: request not in the capture.",
        ),
        Column(
            name="request_end",
            kind="time",
            meaning="Time of the frame with the last byte of the request. Null: request not in the capture.",
        ),
        Column(
            name="response_start",
            kind="time",
            meaning="Time of the frame with the first byte of the response. Null: no response seen.",
        ),
        Column(
            name="response_end",
            kind="time",
            meaning="Time of the frame with the last byte of the response. Null: no response seen.",
        ),
        Column(name="method", kind="text", meaning="HTTP method. Null: request not in the capture."),
        Column(
            name="host",
            kind="text",
            personal=True,
            meaning="Host that was asked for (Host header, or :authority). Null: not sent or not seen.",
        ),
        Column(
            name="path",
            kind="text",
            meaning="Path of the request without its query, which names the user. Null: request not in the capture.",
        ),
        Column(
            name="command",
            kind="text",
            meaning="Exchange ActiveSync command. Null: not Exchange ActiveSync, or request not in the capture.",
        ),
        Column(name="status", kind="int", meaning="HTTP status code. Null: no response seen."),
        Column(
            name="request_wire_bytes",
            kind="int",
            meaning="TCP payload that carried the request, TLS records included. Null: not seen.",
        ),
        Column(
            name="response_wire_bytes",
            kind="int",
            meaning="TCP payload that carried the response, TLS records included. Null: not seen.",
        ),
        Column(
            name="request_body_bytes",
            kind="int",
            meaning="Request body as sent: compressed if it was, chunk framing removed. Null: not seen.",
        ),
        Column(
            name="response_body_bytes",
            kind="int",
            meaning="Response body as sent: compressed if it was, chunk framing removed. Null: not seen.",
        ),
        Column(
            name="request_decoded_bytes",
            kind="int",
            meaning="Request body after content decoding. Null: not seen, or it could not be decoded.",
        ),
        Column(
            name="response_decoded_bytes",
            kind="int",
            meaning="Response body after content decoding. Null: not seen, or it could not be decoded.",
        ),
        Column(
            name="request_frame", kind="int", meaning="Frame number of the first byte of the request. Null: not seen."
        ),
        Column(
            name="response_frame", kind="int", meaning="Frame number of the first byte of the response. Null: not seen."
        ),
        Column(name="http_version", kind="text", meaning="HTTP version: 1.0, 1.1 or 2."),
        Column(
            name="complete",
            kind="bool",
            meaning="True: every byte of the request and of the response is in the capture.",
        ),
        Column(
            name="inferred",
            kind="bool",
            meaning="True: the content stayed encrypted and the row was inferred from sizes and times.",
        ),
        Column(
            name="request_last_frame",
            kind="int",
            meaning="Frame number of the last byte of the request. Null: not seen.",
        ),
        Column(
            name="response_last_frame",
            kind="int",
            meaning="Frame number of the last byte of the response. Null: not seen.",
        ),
        Column(
            name="eas_status",
            kind="int",
            meaning=(
                "Status that the Exchange ActiveSync message itself carries at its top level (the HTTP status is "
                "usually 200 even then). Null: none, or body not readable."
            ),
        ),
        Column(
            name="content_encoding",
            kind="text",
            meaning="Content-Encoding of the response: gzip, deflate, ... Null: sent uncompressed, or no response.",
        ),
        Column(
            name="request_tls_bytes",
            kind="int",
            meaning=(
                "Part of request_wire_bytes that is TLS: record headers, nonces, padding, tags; of a request that is "
                "not whole in the capture also what nobody can tell. Zero: plain HTTP. Null: not seen."
            ),
        ),
        Column(
            name="response_tls_bytes",
            kind="int",
            meaning=(
                "Part of response_wire_bytes that is TLS; of a response that is not whole in the capture also what "
                "nobody can tell. Zero: plain HTTP. Null: not seen."
            ),
        ),
        Column(
            name="request_head_bytes",
            kind="int",
            meaning=(
                "Part of request_wire_bytes that is HTTP but no body: request line, headers, chunk framing, HTTP/2 "
                "frame headers and padding. Null: not seen."
            ),
        ),
        Column(
            name="response_head_bytes",
            kind="int",
            meaning=(
                "Part of response_wire_bytes that is HTTP but no body: status line, headers, chunk framing, interim "
                "answers (1xx), HTTP/2 frame headers and padding. Null: not seen."
            ),
        ),
        Column(
            name="request_content_encoding",
            kind="text",
            meaning="Content-Encoding of the request. Null: sent uncompressed, or request not in the capture.",
        ),
        Column(
            name="request_saved_bytes",
            kind="int",
            meaning=(
                "Bytes that compression saved in the request: decoded less as sent; negative where it made the body "
                "longer. Null: not compressed, or not decoded."
            ),
        ),
        Column(
            name="response_saved_bytes",
            kind="int",
            meaning=(
                "Bytes that compression saved in the response: decoded less as sent; negative where it made the body "
                "longer. Null: not compressed, or not decoded."
            ),
        ),
        Column(
            name="request_ratio",
            kind="float",
            meaning=(
                "How many bytes of the decoded request body one byte as sent stands for. Null: not compressed, or "
                "not decoded."
            ),
        ),
        Column(
            name="response_ratio",
            kind="float",
            meaning=(
                "How many bytes of the decoded response body one byte as sent stands for. Null: not compressed, or "
                "not decoded."
            ),
        ),
        Column(
            name="unsent_bytes",
            kind="int",
            meaning=(
                "SmartReply and SmartForward: bytes of the original mail that the device did not send, as it had "
                "fetched them by ItemOperations before; the original may be larger. Null: another command, or the "
                "capture does not show the size."
            ),
        ),
    ),
)
