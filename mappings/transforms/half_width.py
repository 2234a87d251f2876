"""Full-width letters, digits and signs become half width.

This is Unicode's NFKC, which also writes `①` as `1` and `㎡` as `m2`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [({}, "ＡＢＣ１２３（沈阳）", "ABC123(沈阳)"), ({}, "ｶﾅ", "カナ"), ({}, None, None)]


def transform(column: pa.StringArray) -> pa.StringArray:
    return pc.utf8_normalize(column, form="NFKC")
