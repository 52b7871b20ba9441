"""Says in words what a file looks like that is not a capture, so that a person knows what to do about it."""

COMPRESSED = {
    b"\x1f\x8b": "gzip-compressed data",
    b"\x28\xb5\x2f\xfd": "zstd-compressed data",
    b"\xfd7zXZ\0": "xz-compressed data",
    b"BZh": "bzip2-compressed data",
    b"\x04\x22\x4d\x18": "lz4-compressed data",
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
}
OTHER_CAPTURES = {
    b"snoop\0\0\0": "a Solaris snoop capture",
    b"GMBU": "a Microsoft Network Monitor capture",
    b"RTSS": "a Microsoft Network Monitor 1.x capture",
    b"btsnoop\0": "a Bluetooth snoop capture",
    b"TRSNIFF data    \x1a": "a Sniffer capture",
    b"XCP\0": "a NetXRay or Windows Sniffer capture",
    b"iptrace ": "an AIX iptrace capture",
    b"\x7fver": "an EtherPeek capture",
    b"ObserverPktBuffe": "a Network Instruments Observer capture",
}
OTHER_FILES = {
    b"%PDF": "a PDF document",
    b"\x7fELF": "a Linux program",
    b"MZ": "a Windows program",
    b"SQLite format 3\0": "an SQLite database",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Office document or a Message Analyzer trace",
}
KEY_LOG_LABELS = (
    b"CLIENT_RANDOM ", b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", b"SERVER_HANDSHAKE_TRAFFIC_SECRET ", b"RSA ",
    b"CLIENT_TRAFFIC_SECRET_0 ", b"SERVER_TRAFFIC_SECRET_0 ", b"EXPORTER_SECRET ", b"CLIENT_EARLY_TRAFFIC_SECRET ",
    b"EARLY_EXPORTER_SECRET ", b"# SSL/TLS secrets log file",
)  # fmt: skip
KEY_LOG = "a TLS key log"
EVENT_TRACE = "a Windows event trace (ETL)"
PRIVATE_KEY = "a private key"
EMPTY = "nothing: it is empty"


def looks_like(head: bytes) -> str:
    """Words for what these first bytes (best a few hundred) are, to follow "looks like"."""
    if not head:
        return EMPTY
    for table in (COMPRESSED, OTHER_CAPTURES, OTHER_FILES):
        for magic, words in table.items():
            if head.startswith(magic):
                return words
    if head.startswith(b"\x0a\x0d\x0d\x0a"):
        return "a pcapng file with a damaged beginning"
    if head[257:262] == b"ustar":
        return "a tar archive"
    # WMI_BUFFER_HEADER begins with the buffer size, and the log file header at 0x68 repeats it.
    if len(head) >= 0x6C and head[:4] == head[0x68:0x6C] and head[:4] != b"\0\0\0\0" and head[:1] == b"\0":
        return EVENT_TRACE
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    return _text(head) or "unknown binary data"


def _text(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in text):
        return None
    lines = text.splitlines()
    if any(line.startswith(KEY_LOG_LABELS) for line in lines):
        return KEY_LOG
    if text.startswith(b"-----BEGIN"):
        return PRIVATE_KEY if b"PRIVATE KEY-----" in lines[0] else "a PEM file (certificate or the like)"
    lower = text[:200].lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    if lower.startswith((b"<?xml", b"<pdml", b"<psml")):
        return "XML"
    if text.startswith((b"{", b"[")):
        return "JSON"
    return "text"
