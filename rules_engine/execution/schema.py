"""The tables of the journal."""

VERSION = 4

OPEN = "state IN ('intent', 'sending', 'acked', 'working', 'partial', 'unknown', 'adopted')"
"""Intents that are not over; the index of them serves only what asks in these very words."""

OUTBOX_OPEN = "state IN ('waiting', 'sending')"
"""Messages that are neither sent nor given up; their index, too, serves only these very words."""

OUTBOX_INDEX = f"CREATE INDEX outbox_open ON outbox (channel, id) WHERE {OUTBOX_OPEN};"

EVENTS = """
-- Append only; an entry is JSON, and each row carries a hash of everything up to itself.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, hash TEXT NOT NULL,
    at_s REAL GENERATED ALWAYS AS (json_extract(entry, '$.at')) VIRTUAL,
    key TEXT GENERATED ALWAYS AS (json_extract(entry, '$.key')) VIRTUAL,
    kind TEXT GENERATED ALWAYS AS (json_extract(entry, '$.kind')) VIRTUAL
);
"""

HOLDINGS = """
-- ours: what our fills come to. first: what the account held besides when IB was first asked. newest: what IB says now.
CREATE TABLE holding (
    mode TEXT NOT NULL, account TEXT NOT NULL, instrument TEXT NOT NULL,
    ours TEXT NOT NULL DEFAULT '0', first TEXT, newest TEXT,
    PRIMARY KEY (mode, account, instrument)
) WITHOUT ROWID;
"""

TABLES = f"""
CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID;

-- What a rule remembers across restarts, apart for each mode and account.
CREATE TABLE rule_state (
    mode TEXT NOT NULL, account TEXT NOT NULL, rule TEXT NOT NULL,
    life_json TEXT NOT NULL, updated_s REAL NOT NULL,
    PRIMARY KEY (mode, account, rule)
) WITHOUT ROWID;

-- kind: `fired`, `held back`, or `armed` for a unit that waits at the broker (IB's trigger is then the firing).
-- ended_s: every entry of the unit is over. settled: the rule's life has taken that in.
CREATE TABLE firing (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL, seq INTEGER NOT NULL, mode TEXT NOT NULL, account TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fired', 'held back', 'armed')),
    case_index INTEGER NOT NULL, at_s REAL NOT NULL, digest TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL,
    values_json TEXT NOT NULL, actions_json TEXT NOT NULL, channels_json TEXT NOT NULL,
    triggered_s REAL, ended_s REAL, used INTEGER, settled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (rule, seq)
);
CREATE INDEX firing_unsettled ON firing (id) WHERE ended_s IS NOT NULL AND settled = 0;

CREATE TABLE intent (
    key TEXT PRIMARY KEY, firing_id INTEGER NOT NULL REFERENCES firing (id),
    rule TEXT NOT NULL, seq INTEGER NOT NULL, leg INTEGER NOT NULL, mode TEXT NOT NULL, account TEXT NOT NULL,
    instrument TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL, draft_json TEXT NOT NULL,
    held INTEGER NOT NULL, created_s REAL NOT NULL, expires_s REAL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', cancel_wanted INTEGER NOT NULL DEFAULT 0,
    order_id INTEGER, perm_id INTEGER, gateway_mark TEXT NOT NULL DEFAULT '', sent_s REAL,
    filled TEXT NOT NULL DEFAULT '0', average_price TEXT, updated_s REAL NOT NULL,
    UNIQUE (rule, seq, leg)
);
CREATE INDEX intent_open ON intent (state) WHERE {OPEN};
CREATE INDEX intent_sent ON intent (sent_s) WHERE sent_s IS NOT NULL;
CREATE INDEX intent_firing ON intent (firing_id, state, sent_s);
CREATE INDEX intent_order ON intent (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX intent_perm ON intent (perm_id) WHERE perm_id IS NOT NULL;

{EVENTS}

-- One row a fill; a correction replaces the revision before it.
CREATE TABLE execution (
    exec_base TEXT PRIMARY KEY, revision TEXT NOT NULL, key TEXT NOT NULL REFERENCES intent (key),
    perm_id INTEGER NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, at_s REAL NOT NULL
);
CREATE INDEX execution_key ON execution (key, quantity);

{HOLDINGS}

-- One row a message and channel. state: waiting, sending, sent, dead.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dedup TEXT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL,
    title TEXT NOT NULL, text TEXT NOT NULL, at_s REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, next_s REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    UNIQUE (dedup, channel)
);
{OUTBOX_INDEX}
"""
