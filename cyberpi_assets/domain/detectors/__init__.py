"""Detectors of threats to companies: each reads rows of the lake and says when, of whom, how strongly and why."""
