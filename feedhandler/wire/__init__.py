"""Bytes as they come: JSON by a cursor, decimals to scaled integers, WebSocket frames.

Others include its headers: `engine` and the venues' decoders.
Uses nothing of this house.
"""
