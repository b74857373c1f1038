"""Venue servers on loopback: the real protocols over a synthetic market, with faults on demand.

Others take `runner`, `config` and a venue's `server.frames`: `cli`, `bench` and the tests.
Uses no other room: it must not share a mistake with what is tried on it. Inside, downwards:
`runner`, `venues`, `server`, `market`, `config`, `faults`; `registry` has a line for each venue.
"""
