"""What it costs: each figure beside its floor, in one run, over the frames that venues send.

Others take nothing but `feedhandler bench`.
Uses every room below; nothing but `cli` uses it. Inside, downwards: `peers`, `figures`, `kit`,
`native`.
"""
