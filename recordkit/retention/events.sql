CREATE TABLE retention_events (
  event_id TEXT PRIMARY KEY, type TEXT NOT NULL, date TEXT NOT NULL, scope TEXT NOT NULL, account TEXT,
  note TEXT, replaced TEXT, withdrawn TEXT, end_note TEXT, paper TEXT, entered TEXT, actor TEXT,
  seq INTEGER NOT NULL);
CREATE INDEX retention_events_account ON retention_events (account, type);
CREATE TABLE retention_event_records (
  event_id TEXT NOT NULL, record_id TEXT NOT NULL, note TEXT, end_note TEXT, PRIMARY KEY (event_id, record_id));
CREATE INDEX retention_event_records_record ON retention_event_records (record_id);
CREATE TABLE declined_events (
  record_id TEXT NOT NULL, type TEXT NOT NULL, paper TEXT NOT NULL, note TEXT, PRIMARY KEY (record_id, type, paper))
