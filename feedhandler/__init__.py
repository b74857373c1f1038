"""The writers of a feed, from the supervisor down to the bytes of a frame, and the simulator.

docs/architecture.md has the rooms in their order: each uses those below it and none above.
"""
