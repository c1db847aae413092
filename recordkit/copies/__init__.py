"""Copies of a store, and the way back, on which nothing returns that was destroyed.

A copy has the store's own form, so any tool may carry it further. It is older than the newest destruction; therefore
nothing is taken out of it because it is there, but only because the newest ledger says that it is in force
(``fate``). What is destroyed never touches the disk to which a store is brought back.
"""
