"""SMTP, as far as it shows mails that trigger an SMS: how Exchange 2003 woke phones before Direct Push (AUTD v1).

Exchange hands an ordinary mail to the operator's gateway, which makes an SMS of it; the phone finds a GUID in it and
synchronises within three minutes (Exchange team blog, 2004-04-26; TechNet cc164312). What the mail looks like exactly
was never published. So this is a heuristic, and deliberately narrow: one recipient, who is a telephone number or sits
in a domain named like a gateway; a small mail; a body that is a GUID and hardly anything else.

Of such a mail come out its times, its recipient (the phone) and facts of its shape. Of any other mail nothing does:
addresses and text are looked at and forgotten. RFC 5321 (SMTP), RFC 3030 (BDAT), RFC 2920 (pipelining: replies come in
the order of commands). STARTTLS and Exchange's X-ANONYMOUSTLS end it: what follows is TLS between mail servers.
"""

import binascii
import re
from collections import deque
from dataclasses import replace

from dissectors.events import CLIENT, SERVER, Anomaly, TriggerMail

MAX_LINE_BYTES = 2048  # RFC 5321 4.5.3.1: 512 for a command, 1000 for text
MAX_UNANSWERED = 1000  # commands that await their reply
MAX_MAIL_BYTES = 8192  # a larger mail is no trigger
MAX_BODY_CHARACTERS = 1024  # nor is one with a longer body
MAX_OTHER_CHARACTERS = 160  # of the body beside the GUID: what fits into an SMS
MAX_RECIPIENT_CHARACTERS = 254  # RFC 5321 4.5.3.1.3

_GREETINGS = (b"220 ", b"220-")
_HELLOS = (b"EHLO ", b"HELO ", b"LHLO ")
_COMMAND = re.compile(
    rb"(?:EHLO|HELO|LHLO|MAIL FROM|RCPT TO|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|AUTH|STARTTLS|X-[A-Z]+)\b",
    re.IGNORECASE,
)
_RECIPIENT = re.compile(rb"RCPT TO: *<(?:@[^:>]*:)?([^>]*)>", re.IGNORECASE)
_CHUNK = re.compile(rb"BDAT (\d{1,10})( LAST)?", re.IGNORECASE)
_REPLY = re.compile(rb"(\d{3})([ -]|$)")
_TELEPHONE = re.compile(r"\+?\d{7,15}")  # ITU-T E.164: at most 15 digits
_GATEWAY = re.compile(
    r"(?:^|[.-])(?:sms|mms|txt|text|vtext|tmomail|messaging|mymetropcs|page|pager|paging|mobile|wireless|pcs)\d*(?:[.-]|$)"
)
_EXCHANGE = re.compile(rb"microsoft (?:smtpsvc|smtp server|exchange)|msexchange", re.IGNORECASE)
_GUID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32})(?![0-9A-Za-z])"
)
_IN_BASE64 = re.compile(rb"^content-transfer-encoding: *base64", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"  # RFC 5321 4.1.1.4

COMMANDS, ASKED, BODY, CHUNK, LOST = range(5)  # what the next bytes of the client are


def looks_like_smtp(side: int, first: bytes) -> bool | None:
    """Whether the first bytes of a side begin SMTP: True, False, or None when more bytes are needed.

    FTP greets with the same number; what the client says first tells them apart (`SmtpConnection.hopeless`).
    """
    words = _GREETINGS if side == SERVER else _HELLOS
    begin = first[: len(words[0])].upper()
    if begin in words:
        return True
    return None if any(word.startswith(begin) for word in words) else False


class _Mail:
    """One mail on its way."""

    __slots__ = ("begun_frame", "begun_ns", "kept", "recipients", "size")

    def __init__(self, frame: int, time_ns: int) -> None:
        self.begun_frame = frame
        self.begun_ns = time_ns
        self.recipients: list[str] = []  # the first two: a trigger has one
        self.kept = bytearray()  # of a mail that may be a trigger, up to MAX_MAIL_BYTES
        self.size = 0

    @property
    def numeric(self) -> bool:
        return _TELEPHONE.fullmatch(self.recipients[0].partition("@")[0]) is not None

    @property
    def gateway(self) -> bool:
        return _GATEWAY.search(self.recipients[0].rpartition("@")[2].lower()) is not None

    @property
    def may_trigger(self) -> bool:
        return len(self.recipients) == 1 and (self.numeric or self.gateway) and self.size <= MAX_MAIL_BYTES


class SmtpConnection:
    """Both sides of one connection, segment by segment; any cut of the same bytes gives the same mails."""

    def __init__(self, connection_id: int, capture: int = 0) -> None:
        self._connection_id = connection_id
        self._capture = capture
        self._lines = (bytearray(), bytearray())  # unfinished, by side
        self._overlong = [False, False]  # the line goes on, but is no longer kept
        self._state = COMMANDS
        self._greeted = False  # the client has said hello
        self._awaited: deque[str] = deque()  # what the server has not answered yet
        self._mail: _Mail | None = None
        self._tail = b""  # the last bytes of a body: its end may lie across segments
        self._left = 0  # of a chunk
        self._last_chunk = False
        self._done: TriggerMail | None = None  # sent, and not answered yet
        self._found: list[TriggerMail] = []
        self.anomalies: list[Anomaly] = []  # none so far: anything may stand in a mail
        self.hopeless = False

    def feed(self, side: int, data: bytes, frame: int, time_ns: int) -> list[TriggerMail]:
        """The next bytes of a side, from one frame."""
        if side == SERVER:
            for line in self._split(SERVER, data):
                self._reply(line)
        else:
            self._from_client(data, frame, time_ns)
        found, self._found = self._found, []
        return found

    def gap(self, side: int, _length: int, _frame: int, _time_ns: int) -> list[TriggerMail]:
        """Bytes are missing: the mail they stood in is given up, and which reply belongs to what is no longer known."""
        found = self.close()
        self._lines[side].clear()
        self._awaited.clear()
        if side == CLIENT:
            self._mail = None
            self._state = LOST
            self._overlong[CLIENT] = True  # up to the next end of a line
        else:
            self._overlong[SERVER] = True
        return found

    def close(self) -> list[TriggerMail]:
        """No more bytes come (for now): a mail that was not answered is told as it is."""
        found = [self._done] if self._done is not None else []
        self._done = None
        return found

    def _split(self, side: int, data: bytes) -> list[bytes]:
        """The lines that end in `data`, without their ends."""
        *whole, rest = data.split(b"\n")
        kept, lines = self._lines[side], []
        for part in whole:
            if not self._overlong[side]:
                lines.append((bytes(kept) + part)[:MAX_LINE_BYTES].rstrip(b"\r"))
            kept.clear()
            self._overlong[side] = False
        if not self._overlong[side]:
            kept += rest
            if len(kept) > MAX_LINE_BYTES:
                kept.clear()
                self._overlong[side] = True
        return lines

    def _from_client(self, data: bytes, frame: int, time_ns: int) -> None:
        while data and not self.hopeless:
            if self._state == ASKED:  # the server wants the mail, or its answer is lost, or it refuses
                self._state = BODY
            if self._state == BODY:
                data = self._body(data, frame, time_ns)
            elif self._state == CHUNK:
                part, data = data[: self._left], data[self._left :]
                self._keep(part)
                self._left -= len(part)
                if not self._left:
                    self._state = COMMANDS
                    self._awaited.append("mail" if self._last_chunk else "chunk")
                    if self._last_chunk:
                        self._finish(bytes(self._mail.kept) if self._mail else b"", frame, time_ns)
            else:
                end = data.find(b"\n") + 1 or len(data)
                for line in self._split(CLIENT, data[:end]):
                    self._command(line, frame, time_ns)
                data = data[end:]

    def _command(self, line: bytes, frame: int, time_ns: int) -> None:
        if not self._greeted:
            self._greeted = True
            if line[:5].upper() not in _HELLOS and self._state != LOST:
                self.hopeless = True  # FTP, or whatever else greets with 220
                return
        word = line[:9].upper()
        if self._state == LOST and not _COMMAND.match(line):
            return  # the rest of a mail whose beginning is lost, most likely
        self._state = COMMANDS
        answered = "other"
        if word.startswith(b"MAIL FROM"):
            self._mail = _Mail(frame, time_ns)
            self._found += self.close()
        elif word.startswith(b"RCPT TO"):
            self._recipient(line)
            answered = "recipient"
        elif word.startswith(b"RSET"):
            self._mail = None
        elif word.rstrip() == b"DATA":
            self._state, self._tail = ASKED, b"\r\n"
            answered = "data"
        elif word.startswith(b"BDAT") and (chunk := _CHUNK.fullmatch(line.rstrip())):
            self._left, self._last_chunk = int(chunk[1]), chunk[2] is not None
            self._state = CHUNK
            answered = ""  # comes when the chunk is through
            if not self._left:
                self._state = COMMANDS
                answered = "mail" if self._last_chunk else "chunk"
                if self._last_chunk:
                    self._finish(bytes(self._mail.kept) if self._mail else b"", frame, time_ns)
        elif word.startswith((b"STARTTLS", b"X-ANONYMO")):
            answered = "tls"
        if answered:
            self._awaited.append(answered)
            if len(self._awaited) > MAX_UNANSWERED:
                self._awaited.popleft()

    def _recipient(self, line: bytes) -> None:
        found, mail = _RECIPIENT.match(line), self._mail
        if mail is not None and len(mail.recipients) < 2:
            text = found[1].decode("latin-1") if found else ""
            mail.recipients.append(text if text.isprintable() and len(text) <= MAX_RECIPIENT_CHARACTERS else "")

    def _body(self, data: bytes, frame: int, time_ns: int) -> bytes:
        """Takes what belongs to the mail; returns what follows it."""
        joined = self._tail + data
        end = joined.find(_END)
        if end < 0:
            self._tail = joined[-(len(_END) - 1) :]
            self._keep(data)
            return b""
        after = end + len(_END)
        self._keep(joined[len(self._tail) : after])
        self._state = COMMANDS
        self._awaited.append("mail")
        mail = self._mail
        if mail is not None:
            mail.size -= len(b".\r\n")
            self._finish(bytes(mail.kept[: mail.size]), frame, time_ns)
        return joined[after:]

    def _keep(self, data: bytes) -> None:
        mail = self._mail
        if mail is not None:
            mail.size += len(data)
            if mail.may_trigger:
                mail.kept += data

    def _finish(self, content: bytes, frame: int, time_ns: int) -> None:
        """The mail is complete: what of it is a trigger waits for its answer."""
        mail, self._mail = self._mail, None
        if mail is None or not mail.may_trigger or not _is_guid(content):
            return
        self._done = TriggerMail(
            connection_id=self._connection_id,
            capture=self._capture,
            start_ns=mail.begun_ns,
            first_frame=mail.begun_frame,
            time_ns=time_ns,
            frame=frame,
            recipient=mail.recipients[0],
            numeric=mail.numeric,
            gateway=mail.gateway,
            from_exchange=_EXCHANGE.search(content.partition(b"\r\n\r\n")[0]) is not None,
            message_bytes=mail.size,
            accepted=None,
        )

    def _reply(self, line: bytes) -> None:
        reply = _REPLY.match(line)
        if reply is None or reply[2] == b"-" or not self._greeted:
            return  # more lines of the same reply follow; or it is the greeting
        code, asked = int(reply[1]), self._awaited.popleft() if self._awaited else ""
        if asked == "tls" and code == 220:
            self.hopeless = True
        elif asked == "data" and code >= 400 and self._state == ASKED:
            self._state = COMMANDS
        elif asked == "mail" and self._done is not None:
            self._found.append(replace(self._done, accepted=code < 400))
            self._done = None


def _is_guid(content: bytes) -> bool:
    """The body is one GUID and little else. A header may hold others (Message-ID), and so may MIME's boundaries."""
    head, blank, body = content.partition(b"\r\n\r\n")
    if not blank or len(body) > 2 * MAX_BODY_CHARACTERS:
        return False
    if _IN_BASE64.search(head):
        try:
            body = binascii.a2b_base64(body)
        except binascii.Error:
            return False
    lines = [line for line in body.decode("latin-1").splitlines() if not line.startswith(("--", "Content-"))]
    text = "\n".join(lines).strip()
    found = _GUID.search(text)
    return found is not None and len(text) <= MAX_BODY_CHARACTERS and len(text) - len(found[0]) <= MAX_OTHER_CHARACTERS
