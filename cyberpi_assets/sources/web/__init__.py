"""How documents are fetched: politely, once, and kept.

Here belongs what holds for every site: rates, retries, conditional requests, the cache of raw documents, errors in
words. What a site wants (addresses, agreements, forms) is in `sources/live/`; what documents say is beside each source.
"""
