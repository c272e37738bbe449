"""Documents of the Senate's eFD site, from bytes to records: report pages, search answers, paper filings.

Nothing here opens a file or a connection: how the bytes are fetched is in `sources/live/`.
"""
