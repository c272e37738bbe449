"""Where facts stay: the lake and its DuckDB IO manager, the published copy, and the hot copy in Redis."""
