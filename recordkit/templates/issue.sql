CREATE TABLE issues (
  issue_id TEXT PRIMARY KEY, form TEXT NOT NULL, number TEXT NOT NULL, scope TEXT NOT NULL,
  seq INTEGER NOT NULL, revision INTEGER NOT NULL, template TEXT NOT NULL, data TEXT NOT NULL,
  status TEXT NOT NULL, title TEXT NOT NULL, issue_date TEXT NOT NULL, account TEXT, record_id TEXT,
  pack TEXT NOT NULL, sameness TEXT, source TEXT, position INTEGER NOT NULL);
CREATE INDEX issues_position ON issues (position);
CREATE INDEX issues_scope ON issues (scope, seq);
CREATE INDEX issues_record ON issues (record_id);
CREATE INDEX issues_account ON issues (account);
CREATE INDEX issues_sameness ON issues (sameness);
CREATE INDEX issues_pack ON issues (pack);
CREATE INDEX issues_number ON issues (number);
CREATE INDEX issues_status ON issues (status);
CREATE TABLE voids (issue_id TEXT PRIMARY KEY, note TEXT NOT NULL, time TEXT NOT NULL, actor TEXT NOT NULL)
