"""The configuration file: its keys, what each may be, and how it is read.

Others take `Config` and `VenueConfig` (`keys`), `load` and `ConfigError` (`load`).
Uses `venues` for names and `adapter` for patterns; starts and connects nothing.
"""
