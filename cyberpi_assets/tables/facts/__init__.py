"""Facts: what a source hands over, normalised in type and spelling, not yet merged, resolved or judged."""
