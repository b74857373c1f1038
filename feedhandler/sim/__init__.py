"""Venue servers on loopback: the real protocols over a synthetic market.

``python -m feedhandler.sim --venue deribit`` runs one; `feedhandler.sim.runner` starts them from
Python. Besides the venue's own REST and WebSocket, each server answers under ``/sim/`` with the
truth (its own books at any recent sequence) and takes orders to misbehave.

Others take `runner` and `config`: `cli`, `bench` and the tests.
Uses no other room: it must not share a mistake with what is tried on it.
"""
