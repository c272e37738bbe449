"""The invented companies: names, symbols, sectors, and what fate has in store for a few of them.

Only the written list belongs here. No symbol or name is one of a real listed company (a test compares them with real
reference lists). How their prices move is in `market.py`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from cyberpi_assets.sources.demo.horizon import Days, Horizon, Ints

# sector | symbol | name | GICS sub-industry
_LIST = """
Information Technology | QRVAN | Quorvane Systems | Systems Software
Information Technology | ZPHYC | Zephyrine Cloudworks | Internet Services & Infrastructure
Information Technology | BLXDT | Blixdale Data | Application Software
Information Technology | NMBQE | Nimbarque Semiconductor | Semiconductors
Information Technology | VTRSK | Vitrosk Networks | Communications Equipment
Information Technology | OKTRN | Oktarune Identity | Systems Software
Information Technology | FLUXQ | Fluxquill Software | Application Software
Information Technology | GRPHN | Graphenolith Devices | Technology Hardware, Storage & Peripherals
Communication Services | WVLUM | Wavelumen Media | Movies & Entertainment
Communication Services | TLKOR | Talkoria Wireless | Wireless Telecommunication Services
Communication Services | PXLGD | Pixelgard Interactive | Interactive Home Entertainment
Communication Services | ADVNQ | Advenquist Agencies | Advertising
Communication Services | CBLYX | Cablyrix Broadband | Cable & Satellite
Consumer Discretionary | MRZPO | Marzipole Resorts | Casinos & Gaming
Consumer Discretionary | HTLQY | Hotelquay Lodgings | Hotels, Resorts & Cruise Lines
Consumer Discretionary | VELOZ | Velozanti Motors | Automobile Manufacturers
Consumer Discretionary | SHPZL | Shopzella Online | Broadline Retail
Consumer Discretionary | BRWNQ | Brawnique Apparel | Apparel, Accessories & Luxury Goods
Consumer Discretionary | DNRBL | Dinerbell Kitchens | Restaurants
Consumer Discretionary | CRFTY | Craftyard Home | Home Improvement Retail
Consumer Staples | GRNVY | Granavy Foods | Packaged Foods & Meats
Consumer Staples | SODPQ | Sodapique Beverages | Soft Drinks & Non-alcoholic Beverages
Consumer Staples | LNDRV | Laundrova Household | Household Products
Consumer Staples | MKTBR | Marketbriar Grocers | Food Retail
Consumer Staples | SWPLE | Swayple Personal Care | Personal Care Products
Consumer Staples | TLLGR | Tallgrove Farms | Agricultural Products & Services
Energy | PTRLQ | Petrolarque Energy | Integrated Oil & Gas
Energy | DRLHV | Drillhaven Exploration | Oil & Gas Exploration & Production
Energy | PPLNZ | Pipelanza Midstream | Oil & Gas Storage & Transportation
Energy | RFNBX | Refinbrook Fuels | Oil & Gas Refining & Marketing
Energy | RIGWL | Rigwallow Services | Oil & Gas Equipment & Services
Financials | BNKQT | Bankquarter Holdings | Diversified Banks
Financials | CRDVL | Credovale Financial | Consumer Finance
Financials | PAYZQ | Payzanique Networks | Transaction & Payment Processing Services
Financials | INSRV | Insurovian Group | Property & Casualty Insurance
Financials | HRTHB | Hearthbrace Bancorp | Regional Banks
Financials | EXCHV | Exchavere Markets | Financial Exchanges & Data
Financials | ASTWD | Assetwold Partners | Asset Management & Custody Banks
Health Care | MDXYL | Medixylo Health | Managed Health Care
Health Care | PHRMQ | Pharmaquell Labs | Pharmaceuticals
Health Care | BIOZT | Biozanth Therapeutics | Biotechnology
Health Care | HSPVN | Hospavine Care | Health Care Facilities
Health Care | SRGTX | Surgitrix Instruments | Health Care Equipment
Health Care | GNMWV | Genomweave Sciences | Life Sciences Tools & Services
Health Care | RCDHL | Recordhale Technology | Health Care Technology
Industrials | AEROQ | Aeroquill Defense | Aerospace & Defense
Industrials | FRGTV | Freightovia Logistics | Air Freight & Logistics
Industrials | SKYBZ | Skybrezza Airways | Passenger Airlines
Industrials | TURBQ | Turbinquist Power | Heavy Electrical Equipment
Industrials | BLDWX | Buildwexley Works | Construction & Engineering
Industrials | RAILZ | Railzephyr Lines | Rail Transportation
Industrials | STFVY | Staffavery People | Human Resource & Employment Services
Materials | CHMQR | Chemquarry Specialty | Specialty Chemicals
Materials | STLBV | Steelbrava Mills | Steel
Materials | CPRXN | Cuprexian Mining | Copper
Materials | BOXPZ | Boxpanza Packaging | Paper & Plastic Packaging Products & Materials
Materials | FRTLZ | Fertilanza Nutrients | Fertilizers & Agricultural Chemicals
Real Estate | TWRVQ | Towervaque Trust | Telecom Tower REITs
Real Estate | DTCTR | Dataquartz Centers | Data Center REITs
Real Estate | APTVL | Aptavella Homes | Multi-Family Residential REITs
Real Estate | WHSQY | Warehaisley Trust | Industrial REITs
Real Estate | MALVZ | Mallavenza Retail | Retail REITs
Utilities | GRDWZ | Gridwizen Electric | Electric Utilities
Utilities | WTRVX | Watervexley Utilities | Water Utilities
Utilities | GASPQ | Gaspoquin Distribution | Gas Utilities
Utilities | SOLQV | Solquivane Renewables | Independent Power Producers & Energy Traders
Utilities | NUKLV | Nuklavere Generation | Electric Utilities
Utilities | MLTUQ | Multiquade Utilities | Multi-Utilities
"""

FUND = "ZZIDX"
FUND_NAME = "Invented Total Market Fund"

# session of the world, counted from 0, on which it happens
_LATE_LISTING = {"PXLGD": 290}
_DELISTING = {"CRFTY": 470}
_RENAMED = {"OKTRN": ("IDRUN", 380, "Idarune Security"), "INSRV": ("COVRQ", 560, "Coverique Insurance")}  # old ones
_SPLITS = {"NMBQE": (210, 4.0), "SODPQ": (345, 2.0), "MDXYL": (455, 3.0), "ZPHYC": (610, 5.0)}
_RAW_BASIS = "MDXYL"  # its bars are not adjusted for its split: whoever uses them must apply the action
_EVENTFUL = frozenset({*_LATE_LISTING, *_DELISTING, *_RENAMED, *_SPLITS})


@dataclass(frozen=True)
class Company:
    """One invented company, named as on the last day of the world. Session numbers count from the world's start."""

    ticker: str
    name: str
    sector: str
    industry: str
    exchange: str
    cik: int
    listed_at: int = 0
    delisted_at: int | None = None
    old_ticker: str | None = None
    old_name: str | None = None
    renamed_at: int | None = None
    split_at: int | None = None
    split_ratio: float = 1.0
    raw_basis: bool = False

    @property
    def asset(self) -> str:
        """The stock as a disclosure describes it."""
        return f"{self.name}, Inc. - Common Stock"


@cache
def _listed() -> tuple[Company, ...]:
    rows = (tuple(part.strip() for part in line.split("|")) for line in _LIST.strip().splitlines())
    return tuple(
        Company(ticker, name, sector, industry, ("NYSE", "NASDAQ")[number % 2], 9_900_001 + number)
        for number, (sector, ticker, name, industry) in enumerate(rows)
    )


def companies(horizon: Horizon) -> list[Company]:
    """The companies of the world, always in the same order, with what is planned for them.

    What is planned after the last day shown keeps its session number and has not happened yet; a company that will be
    renamed still has its old name then.
    """
    result: list[Company] = []
    last = horizon.n_sessions - 1
    for company in _listed():
        c = company
        if c.ticker in _LATE_LISTING:
            c = replace(c, listed_at=_LATE_LISTING[c.ticker])
        if c.ticker in _DELISTING:
            c = replace(c, delisted_at=_DELISTING[c.ticker])
        if c.ticker in _SPLITS:
            at, ratio = _SPLITS[c.ticker]
            c = replace(c, split_at=at, split_ratio=ratio, raw_basis=c.ticker == _RAW_BASIS)
        if c.ticker in _RENAMED:
            old, at, old_name = _RENAMED[c.ticker]
            if at <= last:
                c = replace(c, old_ticker=old, old_name=old_name, renamed_at=at)
            else:
                c = replace(c, ticker=old, name=old_name)
        result.append(c)
    return result


def uneventful() -> list[int]:
    """Numbers of the companies that are neither listed late, delisted, renamed nor split."""
    return [i for i, c in enumerate(_listed()) if c.ticker not in _EVENTFUL]


def listed_range(universe: list[Company]) -> tuple[Ints, Ints]:
    """First and last session number on which each company trades. Shapes: (companies,) twice."""
    last = np.array([2**31 if c.delisted_at is None else c.delisted_at for c in universe], dtype=np.int64)
    return np.array([c.listed_at for c in universe], dtype=np.int64), last


def listing_dates(company: Company, days: Days) -> tuple[dt.date | None, dt.date | None]:
    """First and last day listed, where they are among the days before the last one; null otherwise."""
    first: dt.date | None = days[company.listed_at].item() if company.listed_at else None
    last: dt.date | None = None
    if company.delisted_at is not None and company.delisted_at + 1 < len(days):
        last = days[company.delisted_at].item()
    return first, last
