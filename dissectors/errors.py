"""The exceptions that dissectors raise: bad calls and unusable input, never odd bytes (those become an Anomaly)."""


class DissectorError(Exception):
    """Base of every error that a dissector raises on purpose."""


class NotACapture(DissectorError):
    """The bytes do not begin like any capture format that is read here."""


class Truncated(DissectorError):
    """A bounds-checked read went past the end of what is there (`cursor.Cursor`)."""


class LimitExceeded(DissectorError):
    """A named limit was reached; the caller turns this into an Anomaly."""
