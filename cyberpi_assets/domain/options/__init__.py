"""Options: what is asked for, what chains say, and the threat scores made of it; one module per figure.

Nothing here is read from a provider or written to a table.
"""
