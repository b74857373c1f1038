"""What figures are made with: frames, a server, a measured process and readers, turns, results.

Others take what a figure needs of it; `cli` takes `result`, `host`, `compare` and `plot`.
Uses `native`, and the rooms of the feed that it measures; knows no figure.
"""
