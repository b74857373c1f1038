"""The simulated venues: of each its protocol, its list and its number formats, as the real one's.

Others name a server in `sim/registry.py` and take nothing else; tests take single shapes.
Uses `server` for all that venues share, `market` for what there is to tell, `faults`.
"""
