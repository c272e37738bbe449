"""Profile `files`: bulk files in their original formats, recognised by content."""

from cyberpi_assets.sources.files.source import READER_VERSION, FileSources

__all__ = ["READER_VERSION", "FileSources"]
