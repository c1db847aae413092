CREATE TABLE retention_events (
  event_id TEXT PRIMARY KEY, type TEXT NOT NULL, date TEXT NOT NULL, scope TEXT NOT NULL, account TEXT,
  note TEXT, replaced TEXT, seq INTEGER NOT NULL);
CREATE TABLE retention_event_records (
  event_id TEXT NOT NULL, record_id TEXT NOT NULL, note TEXT, PRIMARY KEY (event_id, record_id));
CREATE INDEX retention_event_records_record ON retention_event_records (record_id)
