"""Filing signed papers and finding them again: reading, objects, catalogue, search, checks, exports."""
