"""Paper and scanner, simulated: issued documents are printed, signed, stained, mixed up and scanned.

Every picture follows from a seed and the name of its file, and what each file truly holds is known because it was put
there. ``printed`` issues and prints, ``ink`` is what people and coffee leave on paper, ``machine`` is the scanner,
``pile`` lays the papers together and writes down the truth, ``judge`` compares it with what ingest made of the files.
"""
