"""Whose bodies are worth keeping."""

from collections.abc import Callable, Mapping

KeepBody = Callable[[str, str, Mapping[str, str]], bool]  # method, target, request headers

_EAS_PATHS = ("/microsoft-server-activesync", "/autodiscover/autodiscover.xml")
_EAS_TYPE = "application/vnd.ms-sync"
_SUBSCRIPTION_METHODS = frozenset(("SUBSCRIBE", "POLL", "UNSUBSCRIBE"))


def keep_eas_body(method: str, target: str, headers: Mapping[str, str]) -> bool:
    """Whether this is Exchange ActiveSync, by path or content type (MS-ASHTTP 2.2.1.1.1), how a device finds it, or
    what a front-end server watches for it (`dissectors.notify`)."""
    if method in _SUBSCRIPTION_METHODS or target.partition("?")[0].lower().endswith(_EAS_PATHS):
        return True
    return headers.get("content-type", "").lower().startswith(_EAS_TYPE)
