"""The server side of Direct Push (Exchange 2003): NOTIFY datagrams, and the WebDAV requests behind them.

Facts: Exchange SDK "WebDAV SUBSCRIBE, POLL, UNSUBSCRIBE, NOTIFY" (MSDN aa143117, aa142950, aa143125, aa142938);
draft-goland-http-udp-00 for HTTP over UDP. That the datagrams of ActiveSync on port 2883 have just this form is an
inference: no public trace of them was found.

    httpu         datagram → Notification
    webdav        transaction → Subscribe, Poll, Unsubscribe
    multistatus   the body of a 207 answer → what became of each subscription

Left out: all other WebDAV methods, and notifications over TCP.
"""

from dissectors.notify.call_back import CallBack, parse_call_back
from dissectors.notify.httpu import Notification, read_datagram, read_notify
from dissectors.notify.multistatus import Part, read_multistatus
from dissectors.notify.oddity import Oddity
from dissectors.notify.webdav import METHODS, Answer, DavMessage, Poll, Subscribe, Unsubscribe, read_transaction

__all__ = [
    "METHODS",
    "Answer",
    "CallBack",
    "DavMessage",
    "Notification",
    "Oddity",
    "Part",
    "Poll",
    "Subscribe",
    "Unsubscribe",
    "parse_call_back",
    "read_datagram",
    "read_multistatus",
    "read_notify",
    "read_transaction",
]
