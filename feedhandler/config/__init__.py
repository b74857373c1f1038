"""The configuration file: its keys, what each may be, and how it is read.

Others take `Config`, `VenueConfig` and `ConfigError`.
Uses `venues` for names and `adapter` for patterns; starts and connects nothing.
"""
