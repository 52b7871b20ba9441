"""What the front-end and the mailbox server say to each other: WebDAV subscriptions, and NOTIFY over UDP.

The grammar follows the Exchange SDK (MSDN aa143117, aa142950, aa143125, aa142938). That the front-end of ActiveSync
says just this is inference; `../README.md` lists what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BACK_END = "be1.corp.example"
FRONT_END = "fe1.corp.example"
NOTIFY_PORT = 2883


def subscribe(path: str, call_back: str, lifetime_s: int) -> bytes:
    return _request(
        "SUBSCRIBE",
        path,
        {
            "Notification-Type": "update",
            "Depth": "1",
            "Subscription-Lifetime": str(lifetime_s),
            "Call-Back": call_back,
            "Content-Length": "0",
        },
    )


def renew(path: str, ids: Sequence[int], lifetime_s: int) -> bytes:
    fields = {"Subscription-ID": _list(ids), "Subscription-Lifetime": str(lifetime_s), "Content-Length": "0"}
    return _request("SUBSCRIBE", path, fields)


def poll(path: str, ids: Sequence[int]) -> bytes:
    return _request("POLL", path, {"Subscription-ID": _list(ids), "Content-Length": "0"})


def unsubscribe(path: str, ids: Sequence[int]) -> bytes:
    return _request("UNSUBSCRIBE", path, {"Subscription-ID": _list(ids), "Content-Length": "0"})


def subscribed(path: str, ids: Sequence[int], lifetime_s: int) -> bytes:
    """The answer to SUBSCRIBE, new or renewed."""
    fields = {
        "Server": "Microsoft-IIS/6.0",
        "Subscription-ID": _list(ids),
        "Subscription-Lifetime": str(lifetime_s),
        "Content-Location": f"http://{BACK_END}{path}",
        "Content-Length": "0",
    }
    return _head("HTTP/1.1 200 OK", fields)


def multistatus(path: str, statuses: Mapping[int, int]) -> bytes:
    """The answer to POLL or UNSUBSCRIBE: the status of each subscription; 200 events, 204 none."""
    parts = "".join(
        f"<a:response><a:href>http://{BACK_END}{path}</a:href>"
        f"<a:status>HTTP/1.1 {status} {'OK' if status == 200 else 'No Content'}</a:status>"
        f"<b:subscriptionID><li>{number}</li></b:subscriptionID></a:response>"
        for number, status in statuses.items()
    )
    body = (
        '<?xml version="1.0"?>'
        '<a:multistatus xmlns:b="http://schemas.microsoft.com/Exchange/" xmlns:a="DAV:">'
        f"{parts}</a:multistatus>"
    )
    fields = {"Server": "Microsoft-IIS/6.0", "Content-Type": "text/xml", "Content-Length": str(len(body))}
    return _head("HTTP/1.1 207 Multi-Status", fields) + body.encode()


def refused(status: str) -> bytes:
    """An answer without a body: "403 Forbidden"."""
    return _head(f"HTTP/1.1 {status}", {"Server": "Microsoft-IIS/6.0", "Content-Length": "0"})


def notify(call_back: str, ids: Sequence[int]) -> bytes:
    """The datagram."""
    return f"NOTIFY {call_back} HTTP/1.1\r\nSubscription-id: {_list(ids)}\r\n\r\n".encode()


def _request(method: str, path: str, fields: Mapping[str, str]) -> bytes:
    return _head(f"{method} {path} HTTP/1.1", {"Host": BACK_END, **fields})


def _head(first_line: str, fields: Mapping[str, str]) -> bytes:
    return (first_line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()


def _list(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))
