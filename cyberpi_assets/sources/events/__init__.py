"""Formats of news and events: headlines, feeds, halts, filings with the SEC, lists of sanctions and incidents.

Here belongs how each format is read into facts, whether it lies in a folder or was just fetched. Which file has which
format is in `sources/files/recognise.py`; how sites are asked is in `sources/live/`.
"""
