"""When and over which months the assets run: partitions, jobs, the instance, and the plan of an incremental run."""
