CREATE TABLE losses (
  loss_id TEXT PRIMARY KEY, year INTEGER NOT NULL, serial INTEGER NOT NULL, digest TEXT NOT NULL,
  manifest TEXT NOT NULL, registered TEXT NOT NULL, registered_by TEXT NOT NULL, confirmed TEXT, confirmed_by TEXT,
  withdrawn TEXT, withdrawn_by TEXT, seq INTEGER NOT NULL);
CREATE TABLE lost_records (
  record_id TEXT NOT NULL, loss_id TEXT NOT NULL, position INTEGER NOT NULL, note TEXT NOT NULL,
  withdrawal TEXT, whole INTEGER NOT NULL, files TEXT NOT NULL, is_in_force INTEGER NOT NULL, found TEXT,
  PRIMARY KEY (record_id, loss_id)) WITHOUT ROWID;
CREATE TABLE lost_notes (digest TEXT NOT NULL, loss_id TEXT NOT NULL, is_in_force INTEGER NOT NULL,
  PRIMARY KEY (digest, loss_id)) WITHOUT ROWID;
CREATE INDEX lost_records_in_force ON lost_records (record_id) WHERE is_in_force = 1
