"""Records in files that others read: Tardis' tables, hftbacktest's events, Parquet, Arrow, CSV.

Others take `open.opened` and `run.export`. A source gives batches of ring records (`source`), a
table makes rows of them (`table`, `tardis`, `records`), a file takes rows (`files`).
Uses `capture` and every room that it uses, and `shm`; nothing but `cli` and `bench` uses it.
"""
