"""The analyst: prompts, the Ollama client, the answer's schema and its validation, and rules for when there is none.

Nothing here can change a score: what comes out is text about indicators that others measured.
"""
