"""What stands between device and server: the firewall's rules and timers, and the proxies' configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from samples.lab.network import BACK_NET, DEVICE_NET, PUBLIC_NET, ROAMED_NET, SERVER

NO_TIMER_S = 432_000  # Linux's own: five days


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """nf_conntrack and nftables as a NAT firewall."""

    idle_s: int = NO_TIMER_S  # after so long without a packet it forgets a connection
    late: Literal["drop", "reject"] = "drop"  # what becomes of packets of forgotten connections


def sysctls(firewall: Firewall) -> list[str]:
    prefix = "net.netfilter.nf_conntrack_tcp"
    return [f"{prefix}_timeout_established={firewall.idle_s}", f"{prefix}_loose=0"]


def rules(firewall: Firewall, devices: int) -> str:
    """The rule set: established passes, new connections begin at the device, the rest is late."""
    late = "drop" if firewall.late == "drop" else "reject with tcp reset"
    inward = "drop" if firewall.late == "drop" else "accept"  # accept: the firewall's own kernel answers with RST
    sources = [(f"{DEVICE_NET}.{20 + i}", f"{PUBLIC_NET}.{20 + i if i else 1}") for i in range(devices)]
    sources.append((f"{ROAMED_NET}.20", f"{PUBLIC_NET}.40"))
    nat = "\n".join(f'    oifname "wan0" ip saddr {inside} snat to {outside}' for inside, outside in sources)
    return f"""
table inet filter {{
  chain forwarding {{
    type filter hook forward priority filter; policy drop;
    ct state established,related counter accept
    meta l4proto tcp ct state invalid counter {late}
    iifname "lan0" tcp flags syn / fin,syn,rst,ack ct state new counter accept
    meta l4proto tcp counter {late}
  }}
  chain inputting {{
    type filter hook input priority filter; policy accept;
    iifname "wan0" tcp sport 443 counter {inward}
  }}
}}
table ip nat {{
  chain post {{
    type nat hook postrouting priority srcnat; policy accept;
{nat}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A reverse proxy or a TCP load balancer with a timer, in front of the server."""

    program: Literal["nginx", "haproxy"]
    mode: Literal["http", "tcp"] = "http"  # http: it ends TLS; tcp: it passes bytes on
    timeout_s: int = 3600
    reset: bool = False  # ends connections with RST instead of FIN (HAProxy: option nolinger)

    @property
    def back_port(self) -> int:
        return 443 if self.mode == "tcp" else 80


def nginx(proxy: Proxy, directory: str, certificate: str) -> str:
    return f"""
daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/nginx-error.log info;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/nginx-body; proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-f; uwsgi_temp_path {directory}/nginx-u; scgi_temp_path {directory}/nginx-s;
  server {{
    listen {SERVER}:443 ssl;
    ssl_certificate {certificate}; ssl_certificate_key {certificate};
    keepalive_timeout 600s; lingering_close off;
    location / {{
      proxy_pass http://{BACK_NET}.10:80;
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_read_timeout {proxy.timeout_s}s;
    }}
  }}
}}
"""


def haproxy(proxy: Proxy, certificate: str) -> str:
    bind = f"bind {SERVER}:443" + (f" ssl crt {certificate}" if proxy.mode == "http" else "")
    nolinger = "\n  option nolinger" if proxy.reset else ""
    client_s = proxy.timeout_s if proxy.mode == "tcp" else 3600
    return f"""
global
  maxconn 200
defaults
  mode {proxy.mode}
  timeout connect 5s
  timeout client {client_s}s
  timeout server {proxy.timeout_s}s
  timeout http-keep-alive 600s{nolinger}
frontend front
  {bind}
  default_backend back
backend back{nolinger}
  server one {BACK_NET}.10:{proxy.back_port}
"""
