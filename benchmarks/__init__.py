"""Benchmarks: how long the work of this house takes, beside a plain way of doing the same work in the same run.

`python -m benchmarks [DATA]` prints one table per group; docs/benchmarks.md says how to read them. Here belong the
pieces measured, their baselines and the way of measuring; nothing here is imported by the project.
"""
