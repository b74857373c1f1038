"""What a feed carried, as Parquet files on disk: recorded, kept whole, and never silently less.

Others take `recorder.Recorder`, `compaction.compact` and `status_file`. What a recording consists
of is `shm.recording`. Uses `view` and the rooms below it.
"""
