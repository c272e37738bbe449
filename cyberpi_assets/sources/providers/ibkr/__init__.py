"""IBKR through a TWS or IB Gateway on your side, by ib_async: one connection, its limits, quotes and chains.

No order can be placed from here and nothing is asked about the account: the connection reads market data only.
"""
