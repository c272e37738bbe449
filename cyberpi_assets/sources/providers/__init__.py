"""Market providers asked over the network: quotes, option chains and daily bars as facts, and what they did not give.

Here belong the providers (`yahoo/`, `ibkr/`), the sweep that asks them for a whole universe and the store of what it
got. Reading files is in `sources/files/`; when a sweep is due is in `orchestration/`.
"""
