"""How the journal of an older program becomes like a new one."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from rules_engine.execution.schema import EVENTS, HOLDINGS, OPEN, OUTBOX_INDEX

Step = str | Callable[[sqlite3.Connection], None]

_BLOCK = 1000


def _chain_anew(connection: sqlite3.Connection) -> None:
    """Events of version 3, where each row was hashed with the hash of the row before, in the form of version 4.

    A record that was broken stays so: what follows the break is chained to a hash that nothing has.
    """
    before = old_before = "0" * 64
    digest = hashlib.sha256()
    rows = connection.execute("SELECT seq, key, at_s, kind, data_json, hash FROM event_old ORDER BY seq")
    for number, (seq, key, at_s, kind, data, old_hash) in enumerate(rows, start=1):
        old = "\n".join((old_before, key, repr(at_s), kind, data))
        is_whole = seq == number and hashlib.sha256(old.encode()).hexdigest() == old_hash
        if (seq - 1) % _BLOCK == 0:
            digest = hashlib.sha256(before.encode())
        if not is_whole:
            digest.update(b"broken")
        entry = f'{{"at": {at_s!r}, "key": {json.dumps(key)}, "kind": {json.dumps(kind)}, "data": {data}}}'
        digest.update(b"\n" + entry.encode())
        before, old_before = digest.hexdigest(), old_hash
        connection.execute("INSERT INTO event (seq, entry, hash) VALUES (?, ?, ?)", (seq, entry, before))


MIGRATIONS: Mapping[int, Sequence[Step]] = {
    1: ("DROP INDEX intent_open", f"CREATE INDEX intent_open ON intent (state) WHERE {OPEN}"),
    2: ("DROP INDEX outbox_open", OUTBOX_INDEX),
    3: (
        "ALTER TABLE event RENAME TO event_old",
        EVENTS,
        _chain_anew,
        "UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'event_old')"
        " WHERE name = 'event'",
        "DROP TABLE event_old",
        "DROP INDEX intent_firing",
        "CREATE INDEX intent_firing ON intent (firing_id, state, sent_s)",
        "DROP INDEX execution_key",
        "CREATE INDEX execution_key ON execution (key, quantity)",
        HOLDINGS,
        "INSERT INTO holding (mode, account, instrument, ours) SELECT mode, account, instrument, CAST(sum("
        "CASE side WHEN 'buy' THEN CAST(filled AS REAL) ELSE -CAST(filled AS REAL) END) AS TEXT)"
        " FROM intent WHERE filled != '0' GROUP BY mode, account, instrument",
    ),
}
"""From the version to the next one, in one transaction."""
