"""Documents of the Senate's eFD site, from bytes to records: report pages, search answers, paper filings.

Nothing here opens a file or a connection: how the bytes are fetched is in `sources/live/`.
"""

# Profile `files` reads these documents too, and they share its values: whichever is asked for first, its package is
# loaded before the modules here, or the two would wait for each other.
import cyberpi_assets.sources.files as _files  # noqa: F401  # pyright: ignore[reportUnusedImport]
