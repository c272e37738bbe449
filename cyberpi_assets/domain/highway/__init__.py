"""What the highway carries, in words of the domain: which items are due, what of them becomes graph and vector."""
