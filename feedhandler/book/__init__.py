"""One order book in integers: its sides, its continuity, its checksum, and what waits for its base.

Others include its headers; only `engine` does.
Uses nothing of this house but `wire`'s decimals as text.
"""
