"""A feed on another host: what goes over the link, who sends it, and who writes it into memory.

Others take `serving.Serving` and `mirroring.Mirroring`, and their processes. `_link` is both ends'
native half: `source.h` reads a venue's memory as messages, `mirrored.h` writes messages into
memory. Uses `config` and the rooms below it.
"""
