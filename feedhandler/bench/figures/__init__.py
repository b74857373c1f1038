"""The figures: a file each, which says what is measured, beside which floor, and what is left out.

Others take a figure's `run`: the command `feedhandler bench`.
Uses `kit` and `native`.
"""
