CREATE TABLE volumes (
  volume_id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, serial INTEGER NOT NULL,
  kind TEXT NOT NULL, record_class TEXT, title TEXT NOT NULL, account TEXT, remarks TEXT NOT NULL,
  opened TEXT NOT NULL, closed TEXT, last INTEGER NOT NULL, ended INTEGER NOT NULL);
CREATE UNIQUE INDEX volumes_serial ON volumes (scope, serial);
CREATE INDEX volumes_account ON volumes (account) WHERE account IS NOT NULL;
CREATE TABLE volume_records (
  record_id TEXT PRIMARY KEY, volume_id TEXT NOT NULL, position INTEGER NOT NULL);
CREATE UNIQUE INDEX volume_records_position ON volume_records (volume_id, position);
CREATE TABLE volume_past (record_id TEXT NOT NULL, volume_id TEXT NOT NULL, PRIMARY KEY (record_id, volume_id));
CREATE INDEX volume_past_volume ON volume_past (volume_id);
CREATE TABLE volume_ending (order_id TEXT NOT NULL, volume_id TEXT NOT NULL, PRIMARY KEY (order_id, volume_id))
