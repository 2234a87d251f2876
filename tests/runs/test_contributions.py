"""What assembled records are made of, in both stores."""

from __future__ import annotations

from changeover.runs.ledger import contributions
from changeover.runs.ledger.contributions import Contribution
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger


def test_a_record_knows_its_parts_and_each_part_its_records(place: Place) -> None:
    first = [
        Contribution("ours-1", "agreed", "approval.contract", "1"),
        Contribution("ours-1", "office", "oa.form", "F"),
    ]
    second = [Contribution("ours-2", "office", "oa.form", "F")]
    with Ledger(place) as ledger:
        with ledger.transaction():
            contributions.keep(ledger, "contract", {"ours-1": first, "ours-2": second})
        assert contributions.of_record(ledger, "contract", "ours-1") == first
        assert contributions.made_of(ledger, "oa.form", "F") == [("contract", first[1]), ("contract", second[0])]
        with ledger.transaction():
            contributions.keep(ledger, "contract", {"ours-1": first[:1]})
        assert contributions.of_record(ledger, "contract", "ours-1") == first[:1]
        assert contributions.of_record(ledger, "contract", "ours-2") == second
        assert contributions.of_record(ledger, "other", "ours-2") == []
