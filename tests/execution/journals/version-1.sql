-- A journal of version 1 with a lost order, a filled one, a memory and messages.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL, at_s REAL NOT NULL, kind TEXT NOT NULL, data_json TEXT NOT NULL, hash TEXT NOT NULL
);
INSERT INTO "event" VALUES(1,'re1.0001.000.76f75e61.1',1900000000.0,'fired','{"legs": 1, "reason": ""}','0d7fc2d41ba375f3af53b78b8008bbf71291d8e0e86f6656d9a98d32c346faa6');
INSERT INTO "event" VALUES(2,'re1.0001.000.76f75e61.1.0',1900000000.0,'sending','{"mark": "127.0.0.1:7497 first", "order_id": 1}','e31cb2c470bd0b8a4a1c95ceeed7fd5af46f89f73a0646d8abc89372acea8a2d');
INSERT INTO "event" VALUES(3,'re1.0001.000.76f75e61.1.0',1900000061.0,'complete evidence shows no trace of it','{"reason": "complete evidence shows no trace of it"}','ddd3b110aa781869a4083b682709540205f0462394206cb7383e77f467716479');
INSERT INTO "event" VALUES(4,'re1.0001.000.a4c3ed04.1',1900000061.0,'fired','{"legs": 1, "reason": ""}','00827618a213047c5e72b3d3ee54b55c8756dc3e4b9a9101ba2e637927fbc2d4');
INSERT INTO "event" VALUES(5,'re1.0001.000.a4c3ed04.1.0',1900000061.0,'sending','{"mark": "127.0.0.1:7497 first", "order_id": 2}','4998c31b515ac24e56350934a3c9e3cf63501fb8daf4598e524b73ca529861c0');
INSERT INTO "event" VALUES(6,'re1.0001.000.a4c3ed04.1.0',1900000061.0,'report','{"average_price": null, "client_id": 17, "completed": false, "filled": "0", "is": "OrderReport", "order_id": 2, "order_ref": "re1.0001.000.a4c3ed04.1.0", "perm_id": 9001, "remaining": "100", "status": "working"}','9115ce7a9eb386d8477987cbb667a5f9a527ea89a29ce4b800a5f571ffa536bb');
INSERT INTO "event" VALUES(7,'re1.0001.000.a4c3ed04.1.0',1900000061.0,'fill','{"client_id": 17, "commission": null, "contract_id": 7, "exec_id": "0000e.0000.01", "instrument": "MA", "is": "ExecutionReport", "order_id": 2, "order_ref": "re1.0001.000.a4c3ed04.1.0", "perm_id": 9001, "price": "201.5", "quantity": "100", "side": "buy", "time_s": 1900000000.0}','199408de80808caa58b0b7c2f477c01ce4debbe2c8c1d6b1779b5c88fe15fce3');
CREATE TABLE execution (
    exec_base TEXT PRIMARY KEY, revision TEXT NOT NULL, key TEXT NOT NULL REFERENCES intent (key),
    perm_id INTEGER NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, at_s REAL NOT NULL
);
INSERT INTO "execution" VALUES('0000e.0000','01','re1.0001.000.a4c3ed04.1.0',9001,'100','201.5',1900000000.0);
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
INSERT INTO "firing" VALUES(1,'lost',1,'paper','DU1','fired',0,1900000000.0,'','','','{"V": 201.0}','["buy 100 MA at market"]','["phone"]',NULL,NULL,NULL,0);
INSERT INTO "firing" VALUES(2,'done',1,'paper','DU1','fired',0,1900000000.0,'','','','{"V": 201.0}','["buy 100 MA at market"]','["phone"]',NULL,1900000061.0,1,0);
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
INSERT INTO "intent" VALUES('re1.0001.000.76f75e61.1.0',1,'lost',1,0,'paper','DU1','MA','buy','100','{"closes": false, "conditions": [], "conditions_outside_hours": true, "group": "", "instrument": {"contract_id": 0, "currency": "USD", "exchange": "SMART", "expiry": "", "is": "Instrument", "kind": "stock", "local_symbol": "", "multiplier": "", "name": "MA", "right": "", "roll_days": 5, "strike": null, "symbol": "MA", "trading_class": ""}, "is": "OrderDraft", "kind": "market", "limit": null, "outside_hours": false, "parent": null, "quantity": "100", "remaining": null, "side": "buy", "stop": null, "time_in_force": {"duration": "day", "is": "TimeInForce", "until": "", "until_s": null}, "trail_amount": null, "trail_percent": null}',0,1900000000.0,NULL,'unknown','complete evidence shows no trace of it',0,1,NULL,'127.0.0.1:7497 first',1900000000.0,'0',NULL,1900000061.0);
INSERT INTO "intent" VALUES('re1.0001.000.a4c3ed04.1.0',2,'done',1,0,'paper','DU1','V','buy','100','{"closes": false, "conditions": [], "conditions_outside_hours": true, "group": "", "instrument": {"contract_id": 0, "currency": "USD", "exchange": "SMART", "expiry": "", "is": "Instrument", "kind": "stock", "local_symbol": "", "multiplier": "", "name": "V", "right": "", "roll_days": 5, "strike": null, "symbol": "V", "trading_class": ""}, "is": "OrderDraft", "kind": "market", "limit": null, "outside_hours": false, "parent": null, "quantity": "100", "remaining": null, "side": "buy", "stop": null, "time_in_force": {"duration": "day", "is": "TimeInForce", "until": "", "until_s": null}, "trail_amount": null, "trail_percent": null}',0,1900000061.0,NULL,'filled','',0,2,9001,'127.0.0.1:7497 first',1900000061.0,'100','201.5',1900000061.0);
CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "kv" VALUES('engine','0001');
INSERT INTO "kv" VALUES('order_id_high_water','2');
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dedup TEXT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL,
    title TEXT NOT NULL, text TEXT NOT NULL, at_s REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, next_s REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    UNIQUE (dedup, channel)
);
INSERT INTO "outbox" VALUES(1,'re1.0001.000.76f75e61.1.0.unknown order.1900000061','phone','unknown order','lost','re1.0001.000.76f75e61.1.0','','lost: I cannot tell whether IB has the order buy 100 MA at market day. I will not send it again. Look in TWS for the reference re1.0001.000.76f75e61.1.0, then: rules resolve re1.0001.000.76f75e61.1.0 placed|not-placed',1900000061.0,'waiting',0,1900000061.0,'');
INSERT INTO "outbox" VALUES(2,'re1.0001.000.76f75e61.1.0.unknown order.1900000061','desk','unknown order','lost','re1.0001.000.76f75e61.1.0','','lost: I cannot tell whether IB has the order buy 100 MA at market day. I will not send it again. Look in TWS for the reference re1.0001.000.76f75e61.1.0, then: rules resolve re1.0001.000.76f75e61.1.0 placed|not-placed',1900000061.0,'waiting',0,1900000061.0,'');
INSERT INTO "outbox" VALUES(3,'re1.0001.000.a4c3ed04.1.0.filled.100','phone','filled','done','re1.0001.000.a4c3ed04.1.0','','done: bought 100 V at 201.5',1900000061.0,'waiting',0,1900000061.0,'');
CREATE TABLE rule_state (
    mode TEXT NOT NULL, account TEXT NOT NULL, rule TEXT NOT NULL,
    life_json TEXT NOT NULL, updated_s REAL NOT NULL,
    PRIMARY KEY (mode, account, rule)
) WITHOUT ROWID;
INSERT INTO "rule_state" VALUES('paper','DU1','done','{"broken": "", "cleared": true, "cooldown_until_s": null, "day": "", "done": true, "fired_s": null, "fired_today": 0, "is": "Life", "known": "", "known_s": null, "paused": false, "placed": "", "seq": 1, "sides": "", "when_digest": ""}',1900000061.0);
CREATE INDEX firing_unsettled ON firing (id) WHERE ended_s IS NOT NULL AND settled = 0;
CREATE INDEX intent_open ON intent (state)
    WHERE state IN ('intent', 'sending', 'acked', 'working', 'partial', 'unknown');
CREATE INDEX intent_sent ON intent (sent_s) WHERE sent_s IS NOT NULL;
CREATE INDEX intent_firing ON intent (firing_id);
CREATE INDEX intent_order ON intent (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX intent_perm ON intent (perm_id) WHERE perm_id IS NOT NULL;
CREATE INDEX execution_key ON execution (key);
CREATE INDEX outbox_open ON outbox (next_s) WHERE state IN ('waiting', 'sending');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('firing',2);
INSERT INTO "sqlite_sequence" VALUES('event',7);
INSERT INTO "sqlite_sequence" VALUES('outbox',3);
COMMIT;
