CREATE TABLE orders (
  order_id TEXT PRIMARY KEY, year INTEGER NOT NULL, serial INTEGER NOT NULL, digest TEXT NOT NULL,
  manifest TEXT NOT NULL, proposer TEXT NOT NULL, proposed TEXT NOT NULL, register TEXT, withdrawn TEXT,
  intent TEXT, executed TEXT, seq INTEGER NOT NULL);
CREATE INDEX orders_seq ON orders (seq);
CREATE TABLE order_items (
  order_id TEXT NOT NULL, record_id TEXT NOT NULL, opinion TEXT, until TEXT,
  decided INTEGER, intended INTEGER NOT NULL, outcome TEXT, reason TEXT, PRIMARY KEY (order_id, record_id));
CREATE INDEX order_items_record ON order_items (record_id);
CREATE TABLE order_signatures (
  seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL, act TEXT NOT NULL, person TEXT NOT NULL, day TEXT NOT NULL,
  signature TEXT NOT NULL);
CREATE INDEX order_signatures_order ON order_signatures (order_id);
CREATE TABLE order_reports (order_id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE order_papers (seq INTEGER PRIMARY KEY, entered_by TEXT NOT NULL, paper TEXT NOT NULL)
