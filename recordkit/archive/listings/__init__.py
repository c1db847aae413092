"""The printed set: what an archivist signs and hands over, as columns and rows; how it is written is in ``output``.

Heads and titles are those of the standards (DA/T 22-2015, GB/T 11822, GB/T 18894) and Chinese in every language.
"""
