CREATE TABLE record_past (
  record_id TEXT NOT NULL, seq INTEGER NOT NULL, volume TEXT, field TEXT NOT NULL, day TEXT NOT NULL,
  actor TEXT NOT NULL, PRIMARY KEY (record_id, seq, field)) WITHOUT ROWID
