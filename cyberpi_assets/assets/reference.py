"""Stage `reference`: what was read, and who and what it speaks of.

Here belong files, companies, officials, committees and symbols. Nothing here flows by month: a list is replaced whole.
"""

import dagster as dg
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain import reference
from cyberpi_assets.domain.symbols import changes_of_lists
from cyberpi_assets.domain.symbols import symbol_history as history_of_symbols
from cyberpi_assets.sources.intake import Sources
from cyberpi_assets.tables import conform


@stored(
    tables.SOURCE_FILES,
    "reference",
    kinds={"file"},
    more="Start here to see what was read and what was not.",
    talks=True,
)
def source_files(context: dg.AssetExecutionContext, sources: dg.ResourceParam[Sources]) -> pa.Table:
    files = sources.gather(context.log.info).files()
    context.add_output_metadata(reference.account_of_files(files))
    return conform(tables.SOURCE_FILES, files)


@stored(
    tables.COMPANIES,
    "reference",
    deps=[source_files],
    more="Sectors are GICS; an exchange's own sector is mapped, and says so.",
)
def companies(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return reference.companies(sources.gather().facts("company_facts"))


@stored(tables.OFFICIAL_TERMS, "reference", deps=[source_files])
def official_terms(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return reference.official_terms(sources.gather().facts("term_facts"))


@stored(tables.OFFICIALS, "reference", more="The bioguide id is the key of a person; names are only for display.")
def officials(official_terms: pa.Table, sources: dg.ResourceParam[Sources]) -> pa.Table:
    return reference.officials(sources.gather().facts("person_facts"), official_terms)


@stored(
    tables.COMMITTEE_MEMBERSHIPS,
    "reference",
    deps=[source_files],
    more="Held for certain only between the two dates of a row.",
)
def committee_memberships(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return reference.committee_memberships(sources.gather().facts("membership_facts"))


@stored(tables.COMMITTEES, "reference")
def committees(committee_memberships: pa.Table, sources: dg.ResourceParam[Sources]) -> pa.Table:
    return reference.committees(sources.gather().facts("committee_facts"), committee_memberships)


@stored(
    tables.SYMBOL_HISTORY,
    "reference",
    deps=[source_files],
    more="A symbol is valid between dates: FB is META, and PAY was somebody else.",
)
def symbol_history(sources: dg.ResourceParam[Sources]) -> pa.Table:
    facts = sources.gather()
    changes = [facts.facts("symbol_facts"), changes_of_lists(facts.facts("company_facts"))]
    return history_of_symbols(pa.concat_tables(changes))


@stored(
    tables.DEMO_TRUTH,
    "reference",
    deps=[source_files],
    kinds={"python"},
    more="For measuring what the house finds; nothing downstream reads it.",
)
def demo_truth(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return sources.gather().facts("truth_facts").select(tables.DEMO_TRUTH.names)


ASSETS = [
    source_files,
    companies,
    official_terms,
    officials,
    committee_memberships,
    committees,
    symbol_history,
    demo_truth,
]
