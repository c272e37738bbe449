"""Which threats are analysed, which are still to be asked about, and what of earlier analyses stays.

Here belongs set work on scores and stored analyses. What an analysis says, and who makes it, is in `llm/`.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from cyberpi_assets.domain.sql import ask
from cyberpi_assets.tables import THREAT_ANALYSES


def worth_it(scores: pa.Table, indicators: pa.Table, min_score: int) -> tuple[pa.Table, pa.Table]:
    """The scores of at least `min_score`, newest first, one per threat, and their indicators.

    scores: `tables.THREAT_SCORES`; indicators: `tables.THREAT_INDICATORS`. Of several providers of a threat the one
    that scores highest counts. Columns: as given.
    """
    chosen = ask(
        """
        SELECT * FROM scores WHERE seed_score >= $least
        QUALIFY row_number() OVER (PARTITION BY threat_id ORDER BY seed_score DESC, source) = 1
        ORDER BY snapshot_at DESC, seed_score DESC, threat_id""",
        params={"least": min_score},
        scores=scores,
    )
    of = ask(
        """
        SELECT i.* FROM indicators i SEMI JOIN chosen c ON i.threat_id = c.threat_id AND i.source = c.source
        ORDER BY i.threat_id, i.indicator_id""",
        indicators=indicators,
        chosen=chosen,
    )
    return chosen, of


def answered(
    stored: pa.Table, digests: Mapping[str, str], *, engine: str, model: str, version: str, again: str
) -> set[str]:
    """The threats that need no further question: the same question was answered by the same model and prompt.

    stored: `tables.THREAT_ANALYSES`; digests: threat_id -> digest of the question; `again`: how the reason of an
    analysis begins that is to be asked for once more.
    """
    found = ask(
        """
        SELECT threat_id, input_digest FROM stored
        WHERE engine = $engine AND model = $model AND prompt_version = $version
          AND NOT coalesce(starts_with(reason, $again), false)""",
        params={"engine": engine, "model": model, "version": version, "again": again},
        stored=stored,
    )
    return {r["threat_id"] for r in found.to_pylist() if digests.get(r["threat_id"]) == r["input_digest"]}


def together(made: pa.Table, stored: pa.Table, digests: Mapping[str, str]) -> pa.Table:
    """What was made now, and of what was stored the analyses of the same questions that were not made anew.

    made, stored: `tables.THREAT_ANALYSES`; digests as above. One of a threat that changed or is gone is dropped.
    """
    current = pa.table(
        {"threat_id": pa.array(list(digests), pa.string()), "input_digest": pa.array(digests.values(), pa.string())}
    )
    return ask(
        """
        SELECT * FROM made UNION ALL BY NAME
        SELECT s.* FROM stored s SEMI JOIN current c USING (threat_id, input_digest)
            ANTI JOIN made m ON m.threat_id = s.threat_id AND m.engine = s.engine
        ORDER BY session DESC, threat_id, engine""",
        shape=THREAT_ANALYSES,
        made=made,
        stored=stored,
        current=current,
    )
