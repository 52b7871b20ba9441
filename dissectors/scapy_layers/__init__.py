"""Exchange ActiveSync and its notifications as scapy packets: import this, and scapy dissects and builds them.

    from scapy.all import *
    from dissectors.scapy_layers import *

    EasBody          a WBXML body: over HTTP, where Content-Type is application/vnd.ms-sync.wbxml (MS-ASWBXML)
    EasRequestLine   the first line of a request, with the plain or the base64 query; `request_line(packet)` reads it
    Notify           NOTIFY over UDP: bound to port 2883, the notifications of Exchange 2003

Built on the decoders of `dissectors.eas` and `dissectors.notify`. What they cannot read stays Raw; what was not
changed is built as it was captured, to the byte. See README.md beside this file.

This package imports scapy when it is imported (half a second), which the rest of the project must not do.
"""

from scapy.layers.http import HTTPRequest, HTTPResponse
from scapy.layers.inet import UDP
from scapy.packet import bind_bottom_up, bind_layers, bind_top_down

from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element
from dissectors.scapy_layers.body import EAS_CONTENT_TYPE, EasBody
from dissectors.scapy_layers.notify import NOTIFY_PORT, Notify
from dissectors.scapy_layers.request_line import EasRequestLine, request_line

__all__ = ["NOTIFY_PORT", "EasBody", "EasRequestLine", "Element", "Notify", "element", "request_line"]

bind_layers(HTTPRequest, EasBody, Method=b"POST", Content_Type=EAS_CONTENT_TYPE)
bind_layers(HTTPResponse, EasBody, Content_Type=EAS_CONTENT_TYPE)
bind_bottom_up(UDP, Notify, dport=NOTIFY_PORT)
# With scapy's own source port, 53, a crafted datagram would be read as DNS.
bind_top_down(UDP, Notify, sport=NOTIFY_PORT, dport=NOTIFY_PORT)
