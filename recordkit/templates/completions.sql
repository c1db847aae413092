CREATE TABLE completions (
  seq INTEGER PRIMARY KEY, issue_id TEXT NOT NULL, act TEXT NOT NULL, note TEXT NOT NULL, time TEXT NOT NULL,
  actor TEXT NOT NULL);
CREATE INDEX completions_issue ON completions (issue_id, act)
