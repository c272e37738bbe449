"""Yahoo through yfinance: its session and what its answers say.

yfinance keeps cookie and crumb and follows Yahoo's changes; the rate, the blocks and the meaning of an answer are here.
"""
