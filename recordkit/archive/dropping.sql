CREATE TABLE dropped (note TEXT PRIMARY KEY, content TEXT NOT NULL, batch TEXT, page INTEGER,
  papers INTEGER);
CREATE INDEX dropped_content ON dropped (content);
CREATE INDEX dropped_batch ON dropped (batch)
