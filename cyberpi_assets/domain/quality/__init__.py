"""What a check of data finds, and the rules behind: how fresh, how complete, whether a month is like the year before.

No rule here looks anything up: tables, the day of asking and thresholds are arguments.
"""
