"""What a simulated venue can be told to do wrong: kinds, orders, scripts, and what is in force.

Others take `Faults`, which says whom a fault meets, `read_order`, and scripts.
Uses nothing of the simulator but the venues' names; `server` carries out what is ordered.
"""
