"""All returns in one go: the tables share the panel of prices.

Here belongs only the order in which the parts are called.
"""

from __future__ import annotations

import pyarrow as pa

from cyberpi_assets.domain.returns import portfolios, prices, tested, trades
from cyberpi_assets.domain.sql import Frame


def returns_of_trades(
    bars: Frame, disclosed: pa.Table, correlations: pa.Table, companies: pa.Table, market: str
) -> dict[str, pa.Table]:
    """Abnormal returns of trades, their tests and their portfolios, by table name.

    bars: `tables.DAILY_BARS`; disclosed: `tables.DISCLOSED_TRADES`; correlations: `tables.DISCLOSURE_CORRELATIONS`;
    companies: `tables.COMPANIES`; market: the ticker that stands for the market.
    """
    panel = prices.panel(bars, companies, market)
    found = trades.of_panel(panel, disclosed, market)
    return {
        "trade_returns": found,
        "return_tests": tested.of_panel(panel, found, disclosed, correlations),
        "portfolio_returns": portfolios.of_panel(panel, found, disclosed, correlations),
    }
