"""The catalog entry of `certificates`: what servers showed, what is wrong with it, and what clients answered."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="certificates",
    grain="one distinct chain that a server's endpoint showed to clients that asked for one name",
    key=("chain_id",),
    meaning=(
        "Certificates are in clear up to TLS 1.2, and in TLS 1.3 they can be read with a key log. Connections that "
        "resume a session show none. A row without a chain is there where an alert tells of a refusal, but the "
        "certificate could not be read. Of the certificates of clients only the number is kept."
    ),
    columns=(
        Column(name="chain_id", kind="int", meaning="Number of the row, from 1, in order of time."),
        Column(name="server_ip", kind="text", meaning="Address of the endpoint: whatever ends TLS as seen from here."),
        Column(name="server_port", kind="int", meaning="TCP port of the endpoint."),
        Column(
            name="server_name",
            kind="text",
            personal=True,
            meaning="Host name that the clients asked for (SNI). Null: they sent none.",
        ),
        Column(
            name="subject",
            kind="text",
            personal=True,
            meaning="Whom the certificate names. Null: not seen or not readable.",
        ),
        Column(
            name="names",
            kind="json",
            personal=True,
            meaning="List of the host names that it is for (alternative names).",
        ),
        Column(name="issuer", kind="text", personal=True, meaning="Who issued the certificate."),
        Column(
            name="not_before", kind="time", meaning="Valid from then on. Null: not seen, or no time column can hold it."
        ),
        Column(name="not_after", kind="time", meaning="Valid until then. Null: likewise."),
        Column(name="key_type", kind="text", meaning="Kind of its key: rsa, ec, dsa, ed25519, ed448, other."),
        Column(name="key_bits", kind="int", meaning="Size of its key in bits."),
        Column(name="signature", kind="text", meaning="The hash in its signature: sha256, sha1, md5 and so on."),
        Column(
            name="fingerprint",
            kind="text",
            personal=True,
            meaning="SHA-256 of the certificate, hexadecimal, as browsers show it.",
        ),
        Column(
            name="issuer_url",
            kind="text",
            personal=True,
            meaning="Where the certificate says that its issuer's can be had (AIA). Devices do not fetch it.",
        ),
        Column(name="chain_length", kind="int", meaning="Certificates that were sent. Null: none could be read."),
        Column(
            name="chain",
            kind="enum",
            meaning="How far the chain leads with what was sent and the roots that are known everywhere (certifi).",
            values=(
                ("complete", "to a root that is known everywhere"),
                ("missing_intermediate", "to an issuer that is no root and was not sent"),
                ("self_signed", "nowhere: the certificate vouches for itself"),
                ("unknown_root", "to a root that is not known everywhere: a company's own, as a rule"),
                ("unreadable", "the server's certificate cannot be parsed"),
                ("not_seen", "none was in clear; the row is here for the alerts"),
            ),
        ),
        Column(
            name="root",
            kind="text",
            personal=True,
            meaning="Name of that root, or of the issuer at which the chain breaks off.",
        ),
        Column(
            name="problems",
            kind="json",
            meaning=(
                "List of what is wrong at the time of the capture: kind (missing_intermediate, self_signed, "
                "unknown_root, name_mismatch, common_name_only, wildcard, expired, not_yet_valid, weak_key, "
                "weak_signature), detail (in words), grade (proven, likely, possible)."
            ),
        ),
        Column(name="tls_versions", kind="json", meaning="List of the TLS versions that were agreed."),
        Column(name="connections", kind="int", meaning="Connections in which it was shown, or in which an alert told."),
        Column(name="refusals", kind="int", meaning="Alerts of clients that refuse the server's certificate."),
        Column(
            name="abandoned",
            kind="int",
            meaning="Connections that the client closed right after it had seen the certificate, without an alert.",
        ),
        Column(
            name="client_alerts",
            kind="json",
            meaning="List of the alerts counted in refusals: alert (number), name, times.",
        ),
        Column(
            name="server_alerts",
            kind="json",
            meaning="List of the server's alerts that refuse what clients offered (version, suites, name), likewise.",
        ),
        Column(name="client_certificates", kind="int", meaning="Connections in which the client showed a certificate."),
        Column(
            name="client_refusals",
            kind="json",
            meaning="List of the server's alerts that refuse clients' certificates or ask for one, likewise.",
        ),
        Column(
            name="frames",
            kind="json",
            meaning="List of the first frames with these alerts, or in which clients left without one.",
        ),
        Column(
            name="client_refusal_frames",
            kind="json",
            meaning="List of the first frames with alerts of client_refusals.",
        ),
        Column(name="first_seen", kind="time", meaning="Start of the first of these connections."),
        Column(name="last_seen", kind="time", meaning="Start of the last of these connections."),
        Column(name="connection_id", kind="int", meaning="The first connection that was refused, else the first one."),
        Column(name="first_frame", kind="int", meaning="First frame of the first of these connections."),
    ),
)
