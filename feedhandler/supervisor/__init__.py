"""Starts an IO process a venue, keeps them running, and answers for them: status, reload, stop.

Others take `Supervisor`, the requests of `control_socket`, and the truth of `status`.
Uses every room but `capture`, `bench` and `cli`; it names no connection and decodes no frame.
"""
