"""Search engines behind the port; each module loads its own library and is imported only when it is chosen."""
