CREATE TABLE exports (
  export_id TEXT PRIMARY KEY, day TEXT NOT NULL, actor TEXT NOT NULL, receiver TEXT, format TEXT NOT NULL,
  digest TEXT NOT NULL, records INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE export_records (
  record_id TEXT NOT NULL, export_id TEXT NOT NULL, note TEXT, PRIMARY KEY (record_id, export_id)) WITHOUT ROWID
