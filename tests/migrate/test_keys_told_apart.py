"""Two objects of which one is called like the other and the beginning of a key of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError

from .company import make_company


def test_records_whose_place_and_key_read_alike_both_arrive(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for name in ("customer", "order"):
        (company.folder / "mappings" / f"{name}.yaml").unlink()
    company.old("create table log (id text primary key, said text)")
    company.old('create table "log:2" (id text primary key, said text)')
    company.old("insert into log values ('2:1', 'of the log')")
    company.old("""insert into "log:2" values ('1', 'of the other')""")
    for name, source in (("one", "log"), ("other", "log:2")):
        text = f'mapping: {name}\nfrom: "{source}"\nto: visit\nfields: {{note: said}}\n'
        (company.folder / "mappings" / f"{name}.yaml").write_text(text)
    for made in ("created", "unchanged"):
        told = company.run()
        assert (told.code, told.counts("one"), told.counts("other")) == (0, {"read": 1, made: 1}, {"read": 1, made: 1})
    assert company.new("select note from visit order by note") == [("of the log",), ("of the other",)]
    keys = [row[0] for row in company.ledger("select our_key from record order by our_key")]
    assert keys == ["legacy:log%3A2:1", "legacy:log:2:1"]
    assert [company.explain(str(key)).document["our_key"] for key in keys] == keys
    with pytest.raises(InputError) as several:
        company.explain("log:2:1")
    assert several.value.code == "explain.several"
