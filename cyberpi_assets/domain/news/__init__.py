"""News: what headlines are about, whom they name, whose story they repeat, and the threat items made of them.

Here belong the rules of METHODS on news, halts, filings and lists of events, as pure functions. How documents are
fetched and read is in `sources/`; the lists of words and names that people edit are data, given as arguments.
"""
