CREATE TABLE milestones (
  form TEXT NOT NULL, key TEXT NOT NULL, day TEXT NOT NULL, issue_id TEXT NOT NULL, office TEXT NOT NULL,
  PRIMARY KEY (form, key, day, issue_id)) WITHOUT ROWID;
CREATE INDEX milestones_issue ON milestones (issue_id, key);
CREATE TABLE document_links (
  target TEXT NOT NULL, key TEXT NOT NULL, issue_id TEXT NOT NULL, PRIMARY KEY (target, key, issue_id)) WITHOUT ROWID;
CREATE INDEX document_links_issue ON document_links (issue_id);
CREATE TABLE filings (
  record_id TEXT PRIMARY KEY, day TEXT NOT NULL, record_class TEXT NOT NULL, year INTEGER NOT NULL,
  period TEXT NOT NULL, status TEXT NOT NULL, pages INTEGER NOT NULL, bytes INTEGER NOT NULL, office TEXT NOT NULL,
  issue_id TEXT);
CREATE INDEX filings_day ON filings (day, record_class, office);
CREATE TABLE filing_years (year TEXT PRIMARY KEY, n INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID
