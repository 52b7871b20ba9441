"""The servers' side of Direct Push (Exchange 2003): subscriptions, notifications, and what became of each change.

collector      takes the events; makes the three tables at the end
subscriptions  the life of each subscription, from the WebDAV requests
notifications  the datagrams, and who refused them
front          the devices' side: which waits were pending when, and which Syncs followed
joining        which wait a subscription was made for, which device a notification is for
deliveries     notification → Ping answer → Sync, and how it went
wakes          the same where there is only the devices' side: column by column, for there are many
"""

from analyzer.timeline.server_side.collector import ServerSide

__all__ = ["ServerSide"]
