"""What happened to prices after a trade and after its disclosure, and whether chance explains it (METHODS, section 4)."""
