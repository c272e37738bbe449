"""Scanned filings by character recognition: page images, ruled tables, words, and rows for a person to review.

Here belongs how a picture of a form becomes rows that say what could not be read. Nothing here decides that a row is
right: every row waits for review, and none is scored (`domain/ocr.py`). Text that a PDF itself holds is read in
`sources/house`.
"""
