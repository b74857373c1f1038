"""The synthetic market of a simulated venue: what underlyings are worth, and the books around it.

Others take `Market`, and of it `Live`, `Update` and `Book`: what happened, and exact texts of it.
Uses the options in `sim/config.py`; knows no venue, no client and no fault.
"""
