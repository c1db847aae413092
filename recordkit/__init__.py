"""Documents, records archive and retention for a records office."""
