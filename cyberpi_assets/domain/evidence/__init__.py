"""Evidence: what a timing score is worth, as a null, an uncertainty and a label beside it (METHODS, section 3).

Here belong the placebo null of a trade (`nulls.py`), the shift test of a calendar (`shifts.py`), intervals, corrections
for many tests, labels, the comparison of parties, seasons, and the self-test of all of these (`calibration.py`). The
scores themselves belong to `domain/timing.py`, raw counts to `domain/rankings.py`, returns to `domain/returns`.
"""
