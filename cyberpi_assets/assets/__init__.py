"""The lineage: one module per stage. A body reads as one sentence; maths and SQL are in `domain/`."""

import warnings

import dagster as dg

# single-run backfills are marked beta in Dagster; a word on each of eleven assets at every start helps nobody
warnings.filterwarnings("ignore", category=dg.BetaWarning)
