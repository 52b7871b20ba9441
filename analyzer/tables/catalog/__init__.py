"""Every table with every column: the contract with whoever reads the results (DESIGN section 5).

One file a table. Reports, exports, `directpush explain` and the documentation are made from this list, in this order.
A new table is a new file and a line here.
"""

from analyzer.tables.catalog import (
    adaptations,
    anomalies,
    answer_shares,
    authentications,
    captures,
    certificates,
    connections,
    deliveries,
    directory_searches,
    findings,
    heartbeats,
    idle_timeouts,
    notifications,
    reconnects,
    sessions,
    sms_triggers,
    subscriptions,
    sync_sizes,
    teardowns,
    transactions,
)
from analyzer.tables.schema import Table

TABLES: tuple[Table, ...] = (
    captures.TABLE,
    connections.TABLE,
    transactions.TABLE,
    sessions.TABLE,
    heartbeats.TABLE,
    teardowns.TABLE,
    idle_timeouts.TABLE,
    adaptations.TABLE,
    sync_sizes.TABLE,
    subscriptions.TABLE,
    notifications.TABLE,
    deliveries.TABLE,
    authentications.TABLE,
    reconnects.TABLE,
    directory_searches.TABLE,
    answer_shares.TABLE,
    sms_triggers.TABLE,
    certificates.TABLE,
    anomalies.TABLE,
    findings.TABLE,
)
