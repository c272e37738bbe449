"""Stage `news`: what was published, halted, filed, sanctioned and exploited, and the threat items made of it."""

import dagster as dg
import pyarrow as pa

from cyberpi_assets import tables
from cyberpi_assets.assets.reference import source_files as files_read
from cyberpi_assets.assets.stored import stored
from cyberpi_assets.domain.calendar import session_days
from cyberpi_assets.domain.news import events, items, threats
from cyberpi_assets.domain.news.naming import Names, companies_of
from cyberpi_assets.domain.news.topics import Keywords, filing_words
from cyberpi_assets.domain.news.vulnerabilities import vulnerabilities as of_vulnerabilities
from cyberpi_assets.orchestration.partitions import months_of, reading_back
from cyberpi_assets.settings import Settings
from cyberpi_assets.sources.intake import Sources
from cyberpi_assets.sources.lists import read_list


def _names(companies: pa.Table, settings: Settings) -> Names:
    return Names(companies, read_list("aliases", settings.home), read_list("ambiguous_names", settings.home))


@stored(
    tables.NEWS_ITEMS,
    "news",
    deps=[files_read],
    kinds={"numpy", "duckdb", "deltalake"},
    more="Every headline is kept, relevant or not, with the words that decided. Words and names are lists "
    "that you may edit.",
)
def news_items(
    context: dg.AssetExecutionContext,
    companies: pa.Table,
    symbol_history: pa.Table,
    sources: dg.ResourceParam[Sources],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    months, facts = months_of(context), sources.gather().facts("news_facts")
    words = Keywords(read_list("keywords", settings.home))
    return items.news_items(facts, symbol_history, _names(companies, settings), words, months[0], months[-1])


@stored(tables.TRADING_HALTS, "news", deps=[files_read], more="Of all lists; the resumption is the last one stated.")
def trading_halts(context: dg.AssetExecutionContext, sources: dg.ResourceParam[Sources]) -> pa.Table:
    months = months_of(context)
    return events.trading_halts(sources.gather().facts("halt_facts"), months[0], months[-1])


@stored(
    tables.COMPANY_FILINGS,
    "news",
    more="Item 1.05 is due four business days after the company finds the incident material; early notices come under "
    "7.01 and 8.01.",
)
def company_filings(
    context: dg.AssetExecutionContext,
    companies: pa.Table,
    sources: dg.ResourceParam[Sources],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    months, facts = months_of(context), sources.gather().facts("company_filing_facts")
    words = filing_words(read_list("keywords", settings.home))
    return events.company_filings(facts, companies, words, session_days(), months[0], months[-1])


@stored(
    tables.SANCTIONS_CHANGES,
    "news",
    deps=[files_read],
    more="The lists name no symbols: entities are for review by a person, never matched to companies here.",
)
def sanctions_changes(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return events.sanctions_changes(sources.gather().facts("sanction_facts"))


@stored(tables.KNOWN_EXPLOITED, "news", more="Which company makes a product is in the list of vendors, yours to edit.")
def known_exploited(
    companies: pa.Table, sources: dg.ResourceParam[Sources], settings: dg.ResourceParam[Settings]
) -> pa.Table:
    facts, vendors = sources.gather().facts("kev_facts"), read_list("vendors", settings.home)
    makers = companies_of(facts.column("vendor"), _names(companies, settings))
    return events.known_exploited(facts, vendors, makers, companies)


@stored(
    tables.INCIDENTS, "news", deps=[files_read], more="What warnings are measured against; nothing is warned of by it."
)
def incidents(sources: dg.ResourceParam[Sources]) -> pa.Table:
    return events.incidents(sources.gather().facts("incident_facts"))


@stored(tables.MNA_EVENTS, "news", more="An acquirer has a symbol only where its name is one company's and no other's.")
def mna_events(
    companies: pa.Table, sources: dg.ResourceParam[Sources], settings: dg.ResourceParam[Settings]
) -> pa.Table:
    facts = sources.gather().facts("mna_facts")
    return events.mna_events(facts, companies_of(facts.column("acquirer"), _names(companies, settings)))


@stored(
    tables.INTELLIGENCE_ITEMS,
    "news",
    ins={"company_filings": reading_back(1)},
    kinds={"duckdb", "deltalake"},
    more="The exported form is docs/schemas/intelligence_item.json. An item with `duplicate_of` repeats a story.",
)
def intelligence_items(
    context: dg.AssetExecutionContext,
    news_items: pa.Table,
    company_filings: pa.Table,
    trading_halts: pa.Table,
    sanctions_changes: pa.Table,
    known_exploited: pa.Table,
    companies: pa.Table,
    source_files: pa.Table,
) -> pa.Table:
    months = months_of(context)
    made = threats.intelligence_items(
        news_items,
        company_filings,
        trading_halts,
        sanctions_changes,
        known_exploited,
        companies,
        source_files,
        months[0],
        months[-1],
    )
    context.add_output_metadata(threats.account_of_items(made))
    return made


@stored(
    tables.VULNERABILITIES,
    "news",
    kinds={"duckdb", "deltalake"},
    more="Scores are what the database says now; no severity and no warning rests on them. This product uses the NVD "
    "API but is not endorsed or certified by the NVD.",
)
def vulnerabilities(
    known_exploited: pa.Table,
    intelligence_items: pa.Table,
    companies: pa.Table,
    sources: dg.ResourceParam[Sources],
    settings: dg.ResourceParam[Settings],
) -> pa.Table:
    facts, vendors = sources.gather().facts("vulnerability_facts"), read_list("vendors", settings.home)
    return of_vulnerabilities(facts, known_exploited, intelligence_items, vendors, companies)


ASSETS = [
    news_items,
    trading_halts,
    company_filings,
    sanctions_changes,
    known_exploited,
    incidents,
    mna_events,
    intelligence_items,
    vulnerabilities,
]
