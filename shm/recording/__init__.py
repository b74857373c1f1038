"""Recordings on disk: what a feed's memory carried, kept as Parquet files.

`schema` says which tables, columns and files there are, `manifest` what of them is committed.
Only what opens files of a recording imports pyarrow, and only then: `pip install
'feedhandler[record]'`.
"""
