CREATE TABLE people (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, staff_no TEXT NOT NULL, roles TEXT NOT NULL,
  public_key TEXT NOT NULL, since TEXT NOT NULL, revoked TEXT, position INTEGER NOT NULL)
