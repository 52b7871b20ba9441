"""LDAP (RFC 4511), as far as it shows how long a server asked the directory for, and whom it asked about."""

from dissectors.ldap.connection import LdapConnection
from dissectors.ldap.messages import looks_like_ldap

__all__ = ["LdapConnection", "looks_like_ldap"]
