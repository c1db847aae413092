CREATE TABLE handovers (
  handover_id TEXT PRIMARY KEY, year INTEGER NOT NULL, serial INTEGER NOT NULL, digest TEXT NOT NULL,
  manifest TEXT NOT NULL, proposer TEXT NOT NULL, receiver TEXT NOT NULL, proposed TEXT NOT NULL, note TEXT,
  proposed_key TEXT NOT NULL, proposed_signature TEXT NOT NULL, accepted TEXT, accepted_key TEXT,
  accepted_signature TEXT, record TEXT, withdrawn TEXT, withdrawn_by TEXT, reason TEXT, seq INTEGER NOT NULL)
