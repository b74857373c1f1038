"""A feed's records written into memory again: what a recording has.

Others take `replay.replay`. `_mirror` is the seam: records, and what cells say, go in, in any
process, and a memory like the one that they are from comes out. Uses `capture` and the rooms
below it.
"""
