"""Vectors of threat items: which items are alike. One interface, two stores, two ways to embed."""
