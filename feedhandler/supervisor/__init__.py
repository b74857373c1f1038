"""Starts an IO process a venue, keeps them running, and answers for them: status, reload, stop.

Others take `Supervisor` and the requests of `control_socket`.
Uses every room but `capture`, `bench` and `cli`; it names no connection and decodes no frame.
"""
