"""Live sites: which addresses, agreements and forms give the documents that other modules read, and the profile `live`.

An adapter (`house_clerk`, `senate_efd`, `legislators`) hands over raw documents as served and index rows; it parses
nothing but what it needs to go on. A part (`house`, `senate`, `people`) decides what is asked for and makes units of
the intake of it; `source` puts parts together, `parts` says which there are. Politeness is in `sources/web/`, formats
are beside each source.
"""
