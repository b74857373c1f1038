"""How good a venue's data was: what the engine counts, kept by day, over restarts of its process.

Others take `Keeper`, which an IO process has, and `report`. Uses `shm` for its words only.
"""
