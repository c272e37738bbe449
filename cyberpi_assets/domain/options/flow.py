"""Option flow: the seed's indicators and the history features of each underlying and snapshot.

Here belongs how the measures of `measures.py` and what is usual (`averages.py`) become one row of `tables.OPTION_FLOW`,
and what is unknown and why. What fires, and what a figure is worth, belongs to `seed.py` and `history.py`.

Volume is compared with an average of the same kind: that of the window with the window's on prior sessions; where
there are too few chains for that, the whole chain's volume with the whole chain's average, own or the provider's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cyberpi_assets.domain.calendar import closes_of
from cyberpi_assets.domain.columns import Column, day_numbers
from cyberpi_assets.domain.options import measures
from cyberpi_assets.domain.options.averages import splits_of, stock_volume, usual_volume
from cyberpi_assets.domain.options.contracts import COLUMNS, SHARES, Contracts, contracts_of
from cyberpi_assets.domain.options.greeks import greeks_of
from cyberpi_assets.domain.options.units import all_splits, basis_of
from cyberpi_assets.domain.sql import Frame, ask, one_engine
from cyberpi_assets.rules.figures import OptionRules
from cyberpi_assets.tables import MARKET_SNAPSHOTS, OPTION_CHAINS, OPTION_FLOW, OPTION_VOLUMES

_MINUTE = 60_000_000  # microseconds
_CONTRACTS_AT_A_TIME = 3_000_000
_MONTHS_BACK = 2  # hold the 30 sessions of the own mean

# The chains of the months asked for, and of each provider's last session before them: its open interest is compared.
_CURRENT = f"""
SELECT {", ".join(f'"{c}"' for c in COLUMNS)} FROM chains c
WHERE $all OR month IN (SELECT unnest($months))
   OR (ticker, source, snapshot_at) IN (SELECT (ticker, source, snapshot_at) FROM latest)"""

_LATEST = """
SELECT ticker, source, max(snapshot_at) AS snapshot_at FROM chains
WHERE NOT $all AND month < (SELECT min(m) FROM (SELECT unnest($months) AS m)) GROUP BY ALL"""

# Volume of the seed's window on each earlier session, at its last snapshot; by the rules of `_TOTALS`, `_SIDES_KNOWN`.
_EARLIER = """
WITH last AS (
    SELECT ticker, source, session, max(snapshot_at) AS snapshot_at FROM chains
    WHERE NOT $all AND month < (SELECT min(m) FROM (SELECT unnest($months) AS m)) GROUP BY ALL
), by_expiry AS (
    SELECT ticker, source, session, snapshot_at, expiry,
           sum(volume) FILTER ("right" = 'put') AS puts, count(*) FILTER ("right" = 'put') AS n_puts,
           sum(volume) FILTER ("right" <> 'put') AS calls, count(*) FILTER ("right" <> 'put') AS n_calls
    FROM chains JOIN last USING (ticker, source, session, snapshot_at)
    WHERE expiry - session BETWEEN 0 AND $within AND coalesce(multiplier, $shares) = $shares AND strike > 0
    GROUP BY ticker, source, session, snapshot_at, expiry
    QUALIFY row_number() OVER (PARTITION BY ticker, source, session ORDER BY expiry) <= $expiries
), summed AS (
    SELECT ticker, source, session, snapshot_at, sum(puts) AS puts, sum(n_puts) AS n_puts, sum(calls) AS calls,
           sum(n_calls) AS n_calls FROM by_expiry GROUP BY ALL
)
SELECT ticker, source, session, snapshot_at,
       CASE WHEN n_puts = 0 THEN calls WHEN n_calls = 0 THEN puts ELSE puts + calls END AS volume FROM summed"""

_TOTALS = """
SELECT snap,
       sum(n) AS n_chain, sum(volume) AS chain_volume,
       sum(volume) FILTER (put) AS puts_all, sum(volume) FILTER (NOT put) AS calls_all,
       sum(n) FILTER (put) AS n_puts_all, sum(n) FILTER (NOT put) AS n_calls_all,
       sum(volume) FILTER (days <= 30) AS volume_30d, sum(otm) FILTER (put) AS otm_all,
       sum(n_no_spot) AS n_no_spot, sum(n_computed) AS n_computed,
       sum(flow_millionths) FILTER (put) / 1e6 AS flow, sum(flow_volume) FILTER (put) AS flow_volume,
       sum(n) FILTER (near) AS n_near, sum(n_volume) FILTER (near) AS n_volume, sum(n_vol) FILTER (near) AS n_vol,
       sum(volume) FILTER (near AND put) AS puts, sum(volume) FILTER (near AND NOT put) AS calls,
       sum(n) FILTER (near AND put) AS n_puts, sum(n) FILTER (near AND NOT put) AS n_calls,
       sum(volume) FILTER (near AND days <= $soon) AS near_volume
FROM (SELECT s.*, w.days IS NOT NULL AS near FROM sides s LEFT JOIN near w USING (snap, days)) GROUP BY snap"""

# A provider that lists one right only has left out contracts that did not trade: the other right's volume is nothing.
_SIDES_KNOWN = """
WITH sides AS (SELECT * REPLACE (
    CASE WHEN n_puts IS NULL AND calls IS NOT NULL THEN 0 ELSE puts END AS puts,
    CASE WHEN n_calls IS NULL AND puts IS NOT NULL THEN 0 ELSE calls END AS calls,
    CASE WHEN n_puts_all IS NULL AND calls_all IS NOT NULL THEN 0 ELSE puts_all END AS puts_all,
    CASE WHEN n_calls_all IS NULL AND puts_all IS NOT NULL THEN 0 ELSE calls_all END AS calls_all)
    FROM totals)
SELECT * REPLACE (puts_all + calls_all AS chain_volume) FROM sides"""

_ROWS = """
WITH t AS (
    SELECT s.*, t.* EXCLUDE (snap), o.otm_puts, o.n_puts_no_spot, p.pair_volume, p.pair_kind,
           f.atm_iv, f.skew_25d, f.term_slope, oi.oi_change AS oi_moved, q.dividend_yield, q.average_option_volume,
           q.average_volume AS quoted_adv, adv.adv, own.mean_volume, own.n_mean, tot.mean_volume AS mean_total,
           tot.n_mean AS n_total, tot.median_volume, y.earlier_volume,
           sp.ticker IS NOT NULL AS split_today,
           CASE WHEN puts IS NOT NULL AND calls IS NOT NULL THEN puts + calls END AS total
    FROM snaps s LEFT JOIN totals t USING (snap) LEFT JOIN largest o USING (snap) LEFT JOIN pairs p USING (snap)
    LEFT JOIN surface f USING (snap) LEFT JOIN interest oi USING (snap) LEFT JOIN quoted q USING (snap)
    LEFT JOIN (SELECT snap AS yesterday, chain_volume AS earlier_volume FROM totals) y ON y.yesterday = s.earlier
    LEFT JOIN adv USING (ticker, session) LEFT JOIN own USING (ticker, source, session)
    LEFT JOIN tot ON tot.ticker = s.ticker AND tot.session = s.session
    LEFT JOIN (SELECT DISTINCT ticker, session FROM splits) sp ON sp.ticker = s.ticker AND sp.session = s.session
), held AS (
    SELECT *, CASE WHEN mean_volume > 0 THEN 'own' WHEN mean_total > 0 THEN 'own_total'
                   WHEN average_option_volume > 0 THEN 'provider' END AS basis,
           coalesce(otm_puts, CASE WHEN puts IS NOT NULL AND coalesce(n_puts_no_spot, 0) = 0 THEN 0 END) AS otm
    FROM t
), compared AS (
    SELECT *, CASE basis WHEN 'own' THEN mean_volume WHEN 'own_total' THEN mean_total
                         WHEN 'provider' THEN average_option_volume END AS average,
           CASE WHEN basis = 'own' THEN total ELSE chain_volume END AS volume
    FROM held
)
SELECT ticker, snapshot_at, session, source, data_type, 'chain' AS scope, partial_day, stale_minutes,
       spot AS underlying_price, n_contracts, n_adjusted, coalesce(n_near, 0) AS n_near,
       n_volume / n_near AS share_volume_known, n_vol / n_near AS share_iv_known, n_computed AS n_iv_computed,
       calls AS call_volume, puts AS put_volume, total AS total_volume,
       CASE WHEN calls > 0 THEN puts / calls END AS put_call_ratio,
       CASE WHEN total > 0 THEN puts / total END AS put_share, chain_volume,
       average AS average_volume, basis AS average_basis,
       CASE basis WHEN 'own' THEN n_mean WHEN 'own_total' THEN n_total END AS n_average,
       volume AS compared_volume, 100.0 * (volume - average) / average AS volume_excess_pct,
       otm AS otm_put_volume, coalesce(near_volume, CASE WHEN total IS NOT NULL THEN 0 END) AS near_volume,
       CASE WHEN total > 0 THEN coalesce(near_volume, 0) / total END AS near_share,
       ln((puts_all + 0.5) / (calls_all + 0.5)) AS log_put_call,
       CASE WHEN puts_all > 0 AND n_no_spot = 0 THEN coalesce(otm_all, 0) / puts_all END AS otm_put_share,
       CASE WHEN chain_volume > 0 THEN coalesce(volume_30d, 0) / chain_volume END AS share_30d,
       CASE WHEN median_volume > 0 THEN chain_volume / median_volume END AS volume_ratio,
       CASE WHEN puts_all = 0 THEN 0.0 WHEN flow_volume >= $covered * puts_all
            THEN flow * $shares * puts_all / flow_volume END
       / CASE WHEN coalesce(adv, quoted_adv) > 0 THEN coalesce(adv, quoted_adv) END AS put_flow_adv,
       skew_25d, term_slope,
       CASE WHEN NOT split_today AND earlier_volume > 0 THEN oi_moved / earlier_volume END AS oi_change,
       CASE WHEN NOT split_today AND earlier_volume > 0 AND oi_moved IS NOT NULL THEN earlier_session END AS oi_session,
       atm_iv,
       CASE WHEN total > 0 THEN coalesce(pair_volume, 0) / total END AS pair_share, pair_kind,
       nullif(concat_ws(', ',
           CASE WHEN n_near IS NULL THEN 'no expiry within the window' WHEN total IS NULL THEN 'volume not stated'
                WHEN total = 0 THEN 'no volume' END,
           CASE WHEN spot IS NULL THEN 'no spot price' END,
           CASE WHEN average IS NULL THEN 'no average volume' END,
           CASE WHEN average IS NOT NULL AND volume IS NULL THEN 'no volume to compare' END,
           CASE WHEN median_volume IS NULL THEN 'no median volume' END,
           CASE WHEN coalesce(adv, quoted_adv) IS NULL THEN 'no stock volume' END,
           CASE WHEN puts_all > 0 AND NOT coalesce(flow_volume >= $covered * puts_all, false)
               THEN 'delta not known' END,
           CASE WHEN skew_25d IS NULL THEN 'no skew' END, CASE WHEN term_slope IS NULL THEN 'no term slope' END,
           CASE WHEN split_today THEN 'split today: open interest does not compare'
                WHEN oi_moved IS NULL THEN 'no open interest of the session before' END), '') AS reasons,
       strftime(session, '%Y-%m') AS month
FROM compared"""

# What a quote says of the whole chain, where no chain was read within half an hour.
_QUOTES = """
WITH t AS (
    SELECT q.*, tot.mean_volume, tot.n_mean, tot.median_volume,
           CASE WHEN call_volume >= 0 THEN call_volume END AS calls, CASE WHEN put_volume >= 0 THEN put_volume
               END AS puts
    FROM quotes q LEFT JOIN tot USING (ticker, session)
), held AS (
    SELECT *, calls + puts AS total,
           CASE WHEN mean_volume > 0 THEN mean_volume WHEN average_option_volume > 0 THEN average_option_volume
                END AS average,
           CASE WHEN mean_volume > 0 THEN 'own_total' WHEN average_option_volume > 0 THEN 'provider' END AS basis FROM t
)
SELECT ticker, snapshot_at, session, source, data_type, 'quote' AS scope, partial_day, stale_minutes,
       price AS underlying_price, 0 AS n_contracts, 0 AS n_adjusted, 0 AS n_near, NULL AS share_volume_known,
       NULL AS share_iv_known, NULL AS n_iv_computed, calls AS call_volume, puts AS put_volume, total AS total_volume,
       CASE WHEN calls > 0 THEN puts / calls END AS put_call_ratio,
       CASE WHEN total > 0 THEN puts / total END AS put_share, total AS chain_volume,
       average AS average_volume, basis AS average_basis, CASE basis WHEN 'own_total' THEN n_mean END AS n_average,
       total AS compared_volume, 100.0 * (total - average) / average AS volume_excess_pct,
       NULL AS otm_put_volume, NULL AS near_volume, NULL AS near_share,
       ln((puts + 0.5) / (calls + 0.5)) AS log_put_call, NULL AS otm_put_share, NULL AS share_30d,
       CASE WHEN median_volume > 0 THEN total / median_volume END AS volume_ratio, NULL AS put_flow_adv,
       NULL AS skew_25d, NULL AS term_slope, NULL AS oi_change, NULL AS oi_session, implied_vol AS atm_iv,
       NULL AS pair_share, NULL AS pair_kind,
       concat_ws(', ', 'no chain: strikes and expiries not known',
                 CASE WHEN total IS NULL THEN 'volume not stated' WHEN total = 0 THEN 'no volume' END,
                 CASE WHEN average IS NULL THEN 'no average volume' END) AS reasons,
       strftime(session, '%Y-%m') AS month
FROM held"""

# The newest quote of the ticker in the week up to half an hour after the snapshot: averages and yields change slowly.
_QUOTED = """
SELECT s.snap, arg_max(q.dividend_yield, q.snapshot_at) AS dividend_yield,
       arg_max(CASE WHEN q.average_option_volume > 0 THEN q.average_option_volume END, q.snapshot_at)
           AS average_option_volume,
       arg_max(CASE WHEN q.average_volume > 0 THEN q.average_volume END, q.snapshot_at) AS average_volume
FROM snaps s JOIN quotes q ON q.ticker = s.ticker
     AND q.snapshot_at BETWEEN s.snapshot_at - INTERVAL 7 DAY AND s.snapshot_at + INTERVAL 30 MINUTE
     AND q.session <= s.session
GROUP BY s.snap"""


_NO_EARLIER = pa.table(
    {c: pa.array([], OPTION_CHAINS[c].type) for c in ("ticker", "source", "session", "snapshot_at")}
    | {"volume": pa.array([], pa.float64())}
)


def option_flow(
    chains: Frame,
    rules: OptionRules,
    *,
    volumes: pa.Table | None = None,
    quotes: pa.Table | None = None,
    bars: Frame | None = None,
    actions: pa.Table | None = None,
    months: Iterable[str] | None = None,
) -> pa.Table:
    """One row per underlying, snapshot and provider. Columns: `tables.OPTION_FLOW`, ordered by ticker and snapshot.

    chains: `tables.OPTION_CHAINS`, the months asked for and two before them; of a relation, some months are in memory
    at a time. volumes: `tables.OPTION_VOLUMES`, four months back.
    quotes: `tables.MARKET_SNAPSHOTS`. bars: `tables.DAILY_BARS`. actions: `tables.CORPORATE_ACTIONS`.
    months: YYYY-MM to return, all when None. A month is the same however many are asked for at once, given the same
    rows before it. Raises duckdb.Error.
    """
    with one_engine():
        if months is not None and isinstance(chains, duckdb.DuckDBPyRelation):
            near = _in_parts(chains, months)
            parts = [_option_flow(rows, rules, volumes, quotes, bars, actions, some) for rows, some in near]
            return pa.concat_tables([OPTION_FLOW.empty(), *parts])
        return _option_flow(chains, rules, volumes, quotes, bars, actions, months)


def _in_parts(chains: duckdb.DuckDBPyRelation, months: Iterable[str]) -> Iterator[tuple[pa.Table, list[str]]]:
    """The months in groups of some million contracts, each with the chains of it and of the two months before."""
    columns = chains.project(", ".join(f'"{c}"' for c in (*COLUMNS, "month")))
    sizes: dict[str, int] = {m: int(n) for m, n in chains.aggregate("month, count(*) AS n").fetchall()}
    group: list[str] = []
    held = 0
    every = sorted(set(months))
    for month in every:
        group.append(month)
        held += sizes.get(month, 0)
        if held >= _CONTRACTS_AT_A_TIME or month == every[-1]:
            first, last = _months_before(group[0], _MONTHS_BACK), _months_before(group[-1], 0)
            yield columns.filter(f"month BETWEEN '{first}' AND '{last}'").to_arrow_table(), group
            group, held = [], 0


def _months_before(month: str, back: int) -> str:
    """The month some months before a YYYY-MM. Raises ValueError where it is none."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1 - back
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _option_flow(
    chains: Frame,
    rules: OptionRules,
    volumes: pa.Table | None,
    quotes: pa.Table | None,
    bars: Frame | None,
    actions: pa.Table | None,
    months: Iterable[str] | None,
) -> pa.Table:
    wanted = sorted(set(months)) if months is not None else []
    asked = {"all": months is None, "months": wanted}
    if months is None and isinstance(chains, pa.Table):
        rows, earlier = chains.select(list(COLUMNS)), _NO_EARLIER
    else:
        within = {"within": rules.window_days, "expiries": rules.window_expiries, "shares": SHARES}
        rows = ask(_CURRENT, params=asked, chains=chains, latest=ask(_LATEST, params=asked, chains=chains))
        earlier = ask(_EARLIER, params=asked | within, chains=chains)
    volumes = OPTION_VOLUMES.empty() if volumes is None else volumes
    quotes = MARKET_SNAPSHOTS.empty() if quotes is None else quotes

    measured = _chains_flow(contracts_of(rows), earlier, volumes, quotes, bars, actions, rules)
    lone = _lone_quotes(quotes, measured, volumes, bars, actions, rules)
    return ask(
        "SELECT * FROM (FROM measured UNION ALL FROM lone) WHERE $all OR month IN (SELECT unnest($months)) "
        "ORDER BY month, ticker, snapshot_at, source",
        OPTION_FLOW,
        asked,
        measured=measured,
        lone=lone,
    )


def _chains_flow(
    c: Contracts,
    earlier: pa.Table,
    volumes: pa.Table,
    quotes: pa.Table,
    bars: Frame | None,
    actions: pa.Table | None,
    rules: OptionRules,
) -> pa.Table:
    """The rows of chains, of every snapshot in `c`."""
    before = _snapshot_before(c)
    named = {"earlier": pa.array(before, pa.int32())} | _timing(c.snaps, rules)
    snaps = c.snaps
    for name, values in named.items():
        snaps = snaps.append_column(name, values)
    snaps = ask(
        "SELECT s.*, b.session AS earlier_session FROM snaps s LEFT JOIN snaps_again b ON b.snap = s.earlier",
        snaps=snaps,
        snaps_again=snaps.select(["snap", "session"]),
    )
    basis = _basis(snaps, volumes, bars)
    actions = all_splits(actions, basis)
    quoted = ask(_QUOTED, snaps=snaps, quotes=quotes)
    dividend = np.full(snaps.num_rows, np.nan)
    dividend[quoted.column("snap").to_numpy()] = quoted.column("dividend_yield").to_numpy()
    with ThreadPoolExecutor(1) as beside:  # sorting lets go of the interpreter lock
        interest = beside.submit(measures.open_interest_change, c, before)
        contracts = measures.as_table(c, greeks_of(c, rules, dividend))
        by_side = measures.sides(contracts, rules)
    near = measures.window(by_side, rules)
    totals = ask(_SIDES_KNOWN, totals=ask(_TOTALS, params={"soon": rules.near_days}, sides=by_side, near=near))
    asked = snaps.select(["ticker", "source", "session"])
    return ask(
        _ROWS,
        OPTION_FLOW,
        {"covered": rules.delta_coverage, "shares": SHARES},
        snaps=snaps,
        totals=totals,
        largest=measures.largest_puts(contracts, near, rules),
        pairs=measures.pairs(contracts, near, rules),
        surface=measures.surface(contracts),
        interest=interest.result(),
        quoted=quoted,
        adv=_adv(asked, bars, actions, basis, rules),
        own=usual_volume(asked, _window_history(snaps, totals, earlier, rules), actions, rules),
        tot=_usual_total(asked, volumes, actions, rules),
        splits=splits_of(actions, whole=False),
    )


def _basis(snaps: pa.Table, volumes: pa.Table, bars: Frame | None) -> pa.Table:
    """The units of each session that a chain or a day's volume states a price for; none without bars."""
    prices = ask(
        """
        SELECT ticker, session, spot AS price FROM snaps WHERE spot > 0
        UNION ALL SELECT ticker, session, underlying_price FROM volumes WHERE underlying_price > 0
          AND ticker IN (SELECT ticker FROM snaps)""",
        snaps=snaps,
        volumes=volumes,
    )
    if bars is None:
        return ask("SELECT ticker, session, price AS basis FROM prices LIMIT 0", prices=prices)
    return basis_of(prices, bars)


def _adv(
    asked: pa.Table, bars: Frame | None, actions: pa.Table | None, basis: pa.Table, rules: OptionRules
) -> pa.Table:
    if bars is None:
        return pa.table({"ticker": pa.array([], pa.string()), "session": pa.array([], pa.date32()), "adv": [0.0][:0]})
    return stock_volume(asked, bars, actions, basis, rules)


def _usual_total(asked: pa.Table, volumes: pa.Table, actions: pa.Table | None, rules: OptionRules) -> pa.Table:
    history = ask("SELECT ticker, session, total_volume AS volume FROM volumes", volumes=volumes)
    return usual_volume(asked.select(["ticker", "session"]), history, actions, rules)


def _timing(snaps: pa.Table, rules: OptionRules) -> dict[str, Column]:
    """Whether each snapshot was taken while the day was going on, and how long after its close otherwise."""
    moment = snaps.column("snapshot_at").cast(pa.int64()).to_numpy()
    close = closes_of(day_numbers(snaps.column("session")).astype(np.int32))
    return {
        "partial_day": pa.array(moment < close - rules.whole_day_minutes * _MINUTE, pa.bool_()),
        "stale_minutes": pa.array(np.maximum(moment - close, 0) / _MINUTE, pa.float64()),
    }


def _snapshot_before(c: Contracts) -> npt.NDArray[np.int32]:
    """For each snapshot the last one that the same provider took in the session before, as its place; -1 for none."""
    series = c.snaps.column("series").to_numpy()
    order = np.lexsort((c.as_of, c.ordinal, series))
    key = series.astype(np.int64) * 100_000 + c.ordinal  # ascending along `order`; no calendar has as many sessions
    at = np.searchsorted(key[order], key - 1, side="right") - 1
    found = (at >= 0) & (key[order][np.maximum(at, 0)] == key - 1) if key.size else np.empty(0, dtype=bool)
    return np.where(found, order[np.maximum(at, 0)], -1).astype(np.int32) if key.size else np.empty(0, np.int32)


def _window_history(snaps: pa.Table, totals: pa.Table, earlier: pa.Table, rules: OptionRules) -> pa.Table:
    """Volume of the seed's window by ticker, source and session, of sessions seen to their end."""
    past = earlier
    for name, values in _timing(earlier, rules).items():
        past = past.append_column(name, values)
    return ask(
        """
        SELECT ticker, source, session, arg_max(volume, snapshot_at) AS volume FROM (
            SELECT ticker, source, session, snapshot_at, puts + calls AS volume, partial_day
            FROM snaps JOIN totals USING (snap)
            UNION ALL SELECT ticker, source, session, snapshot_at, volume, partial_day FROM past)
        WHERE NOT partial_day GROUP BY ALL""",
        snaps=snaps,
        totals=totals,
        past=past,
    )


def _lone_quotes(
    quotes: pa.Table,
    measured: pa.Table,
    volumes: pa.Table,
    bars: Frame | None,
    actions: pa.Table | None,
    rules: OptionRules,
) -> pa.Table:
    """Rows of quotes that state option volume and have no chain of the same ticker within half an hour."""
    lone = ask(
        """
        SELECT q.* FROM quotes q
        WHERE (q.call_volume >= 0 OR q.put_volume >= 0) AND NOT EXISTS (
            SELECT 1 FROM measured m WHERE m.ticker = q.ticker AND m.session = q.session
               AND m.snapshot_at BETWEEN q.snapshot_at - INTERVAL 30 MINUTE AND q.snapshot_at + INTERVAL 30 MINUTE)""",
        quotes=quotes,
        measured=measured.select(["ticker", "session", "snapshot_at"]),
    )
    for name, values in _timing(lone, rules).items():
        lone = lone.append_column(name, values)
    asked = lone.select(["ticker", "session", "price"]).rename_columns(["ticker", "session", "spot"])
    if asked.num_rows:
        actions = all_splits(actions, _basis(asked, volumes, bars))
    return ask(_QUOTES, OPTION_FLOW, quotes=lone, tot=_usual_total(asked, volumes, actions, rules))
