"""What makes a book right again, and notices that it is not: recovery, watches, polling, audits.

Others take `Healing`, which has all of it for one feed.
Uses `fleet`, `instruments`, `connection`, `network`, `budgets` and `engine`; starts no process.
"""
