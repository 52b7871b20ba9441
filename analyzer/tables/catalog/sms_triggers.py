"""The catalog entry of `sms_triggers`: mails that make an operator wake a phone."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="sms_triggers",
    grain="one mail that looks like the trigger of an SMS",
    key=("trigger_id",),
    meaning=(
        "Exchange 2003 before SP2 (AUTD v1) sends a mail to the gateway of a mobile operator, which wakes the phone by "
        "SMS; the phone synchronises within three minutes. The form of these mails was never published: this is a "
        "heuristic."
    ),
    columns=(
        Column(name="trigger_id", kind="int", meaning="Number of the mail, from 1, in order of time."),
        Column(name="time", kind="time", meaning="Last byte of the mail."),
        Column(name="connection_id", kind="int", meaning="The SMTP connection."),
        Column(name="client_ip", kind="text", personal=True, meaning="Address of the server that sent it."),
        Column(name="server_ip", kind="text", meaning="Address of the server that took it."),
        Column(name="recipient", kind="text", personal=True, meaning="Whom it is for: as a rule a telephone number."),
        Column(name="carrier_domain", kind="text", personal=True, meaning="Domain of the recipient."),
        Column(name="numeric_recipient", kind="bool", meaning="The recipient is a telephone number at that domain."),
        Column(name="gateway_domain", kind="bool", meaning="The domain is named as gateways to SMS are."),
        Column(
            name="from_exchange",
            kind="bool",
            meaning="The mail's header says that Exchange or the SMTP service of Windows handled it.",
        ),
        Column(name="message_bytes", kind="int", meaning="Size of the mail, header and body."),
        Column(name="accepted", kind="bool", meaning="The other server took it. Null: its answer was not seen."),
        Column(
            name="evidence_grade",
            kind="enum",
            meaning="How sure it is that the mail is a trigger.",
            values=(
                ("likely", "a telephone number, a GUID as body, and Exchange or a gateway by name"),
                ("possible", "one of these is missing"),
            ),
        ),
        Column(
            name="session_id",
            kind="int",
            meaning=(
                "The session that synchronised within three minutes of more than half of the triggers of this "
                "recipient. Null: none, or several did."
            ),
        ),
        Column(
            name="transaction_id",
            kind="int",
            meaning="The first Sync of that session within three minutes. Null: none.",
        ),
        Column(
            name="trigger_to_sync_s",
            kind="float",
            meaning="From the mail to the first request of that round, in seconds. Null: none within three minutes.",
        ),
        Column(name="frame", kind="int", meaning="Frame of the last byte of the mail."),
    ),
)
