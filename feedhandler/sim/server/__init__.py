"""What all simulated venues share: the port, the clients, who listens to what, and ``/sim/``.

Others take `VenueServer`, which venues are subclasses of; benchmarks take frames, certificates.
Uses `market`, and `faults`, which it carries out; knows no venue.
"""
