"""Returns after a trade and after its disclosure, and whether chance explains them (METHODS, section 4)."""
