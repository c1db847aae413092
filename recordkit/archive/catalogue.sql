CREATE TABLE records (
  record_id TEXT NOT NULL UNIQUE, code TEXT NOT NULL UNIQUE, record_class TEXT NOT NULL, year INTEGER NOT NULL,
  period TEXT NOT NULL, title TEXT NOT NULL, date TEXT NOT NULL, number TEXT, filed_number TEXT, issue_id TEXT,
  form TEXT, account TEXT, party TEXT, access TEXT NOT NULL, pages INTEGER NOT NULL, sha256 TEXT NOT NULL,
  version INTEGER NOT NULL, commitment TEXT NOT NULL, metadata TEXT NOT NULL,
  status TEXT NOT NULL, destroyed_by TEXT, ordinal INTEGER PRIMARY KEY, touched INTEGER NOT NULL,
  scope TEXT NOT NULL, serial INTEGER NOT NULL, box TEXT, volume TEXT, old_term TEXT, origin TEXT, tally INTEGER);
CREATE INDEX records_origin ON records (origin) WHERE origin IS NOT NULL;
CREATE INDEX records_serial ON records (scope, serial);
CREATE INDEX records_class ON records (record_class, ordinal);
CREATE INDEX records_filed ON records (tally, ordinal) WHERE tally IS NOT NULL;
CREATE INDEX records_coded ON records (tally, serial, ordinal) WHERE tally IS NOT NULL;
CREATE INDEX records_dated ON records (tally, date, ordinal) WHERE tally IS NOT NULL;
CREATE INDEX records_box ON records (box, ordinal) WHERE box IS NOT NULL;
CREATE INDEX records_volume ON records (volume, status, record_class, old_term, date, ordinal) WHERE volume IS NOT NULL;
CREATE INDEX records_number ON records (number);
CREATE INDEX records_issue ON records (issue_id);
CREATE INDEX records_account ON records (account);
CREATE INDEX records_touched ON records (touched);
CREATE INDEX records_restricted ON records (record_id) WHERE access <> 'open' AND status = 'active';
CREATE INDEX records_review ON records (date, record_class, old_term, volume, ordinal) WHERE status = 'active';
CREATE TABLE record_tallies (
  scope TEXT NOT NULL, record_class TEXT NOT NULL, form TEXT NOT NULL, year INTEGER NOT NULL, period TEXT NOT NULL,
  old_term TEXT NOT NULL, status TEXT NOT NULL, month TEXT NOT NULL, tally INTEGER NOT NULL, n INTEGER NOT NULL,
  pages INTEGER NOT NULL, PRIMARY KEY (scope, record_class, form, year, period, old_term, status, month))
  WITHOUT ROWID;
CREATE TABLE record_accounts (
  account TEXT NOT NULL, record_id TEXT NOT NULL, is_current INTEGER NOT NULL, PRIMARY KEY (account, record_id)
  ) WITHOUT ROWID;
CREATE INDEX record_accounts_record ON record_accounts (record_id);
CREATE TABLE batches (batch TEXT NOT NULL, page INTEGER NOT NULL, record_id TEXT NOT NULL, papers INTEGER NOT NULL,
  size INTEGER NOT NULL, PRIMARY KEY (batch, page, record_id));
CREATE INDEX batches_record ON batches (record_id);
CREATE TABLE code_serials (scope TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE contents (
  content TEXT NOT NULL, record_id TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (content, record_id));
CREATE INDEX contents_record ON contents (record_id)
