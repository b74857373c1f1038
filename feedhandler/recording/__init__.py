"""A feed on disk: a reader of the memory that keeps all that it carries, and never lies about it.

Others take `recorder.Recorder`, `compaction.compact` and `status_file`. What a recording consists
of is `shm.recording`. Uses `view` and the rooms below it.
"""
