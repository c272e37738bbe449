"""Live sites: which addresses, agreements and forms give the documents that other modules read.

An adapter hands over raw documents as served and index rows; it parses nothing but what it needs to go on. Politeness
is in `sources/web/`, formats are beside each source.
"""
