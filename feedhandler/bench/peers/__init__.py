"""What others spend on the same frames: their libraries, each in an environment of its own.

Others take `peers.run`, and `homes`: the command `feedhandler bench peers`.
Uses `kit`, and of `figures` what the wire costs; `programs` runs without feedhandler.
"""
