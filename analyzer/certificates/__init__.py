"""The certificates that servers showed, and what a device makes of them: events → rows of `certificates`.

    reading     DER → what matters of a certificate
    names       whether a certificate is for a host
    roots       the roots that are known everywhere (certifi)
    old_signatures  RSA over SHA-1 and MD5, which `cryptography` leaves to others
    chain       from what was sent to a root, or where that breaks off
    judging     what is wrong with a chain at a time, for a name
    collector   connections → which chains endpoints showed for which names, and what clients answered
    rows        that → the table
    endpoints   the rows as the rules DP140 to DP149 need them

Of clients' certificates only the number is kept: they name people.
"""

from analyzer.certificates.collector import Certificates

__all__ = ["Certificates"]
