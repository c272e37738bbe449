"""What sources say of officials, their offices and committees, as facts: normalised, not merged or judged."""

from __future__ import annotations

from cyberpi_assets.tables.shape import TRACE, table

PERSON_FACTS = table(
    "person_facts",
    "One person who holds or held office in Congress.",
    """
bioguide_id string!  Biographical Directory id, the key of a person
first_name  string   given name
middle_name string   middle name or initial
last_name   string!  family name
suffix      string   Jr., III
nickname    string   name used in daily life
full_name   string   name as the person signs
other_names strings  further spellings published for the person
birthday    date     date of birth
lis_id      string   Senate id
"""
    + TRACE,
    key="bioguide_id file line",
    home="fact",
)

TERM_FACTS = table(
    "term_facts",
    "One term of office.",
    """
bioguide_id string!  person
chamber     string!  house | senate
state       string!  two-letter postal code
district    int      House district, 0 for at large; null in the Senate
party       string   party during the term
starts_on   date!    first day
ends_on     date     last day; null when not known
leadership  string   leadership title held, where known
"""
    + TRACE,
    key="bioguide_id chamber starts_on file line",
    home="fact",
)

COMMITTEE_FACTS = table(
    "committee_facts",
    "One committee or subcommittee.",
    """
committee_id string!  Thomas id; subcommittees carry the parent's id as prefix
name        string!  name
chamber     string   house | senate | joint
parent_id   string   parent committee
jurisdiction string   what it oversees, in its own words
"""
    + TRACE,
    key="committee_id file line",
    home="fact",
)

MEMBERSHIP_FACTS = table(
    "membership_facts",
    "One person's seat on one committee, as one published list states it.",
    """
committee_id string!  committee
bioguide_id string!  person
side        string   majority | minority
rank        int      seniority within the side
title       string   Chair, Ranking Member, ...
congress    int      number of the Congress, where the list states it
as_of       date     date of the list; null when the list has none
"""
    + TRACE,
    key="committee_id bioguide_id file line",
    home="fact",
)
