CREATE TABLE holds (
  hold_id TEXT PRIMARY KEY, kind TEXT NOT NULL, scope TEXT NOT NULL, account TEXT, note TEXT, until TEXT,
  placed TEXT NOT NULL, released TEXT, released_by TEXT,
  released_seq INTEGER, release_note TEXT, from_list TEXT, seq INTEGER NOT NULL);
CREATE INDEX holds_account ON holds (account, kind);
CREATE TABLE hold_records (
  hold_id TEXT NOT NULL, record_id TEXT NOT NULL, note TEXT, PRIMARY KEY (hold_id, record_id));
CREATE INDEX hold_records_record ON hold_records (record_id)
