"""The House Clerk's filings as the Clerk serves them: the yearly index and the transaction reports.

Here belong pure readers: bytes in, records out, no network and no clock but the one that limits how long a document may
take. How documents are fetched and kept, which filing supersedes which, and who a filer is are decided elsewhere.
"""
