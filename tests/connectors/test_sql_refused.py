"""Writing databases: each bad record told apart, and all the others done."""

from __future__ import annotations

from decimal import Decimal

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind, OutcomeState
from changeover.connectors.sql.postgresql import COPY_PLACE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .sql_kit import ACKED, CUSTOMER, EVERY, Kit, create, numbered, pairs, told, update, write

BAD: dict[str, tuple[dict[str, Cell], str, str | None]] = {
    "twice": ({"tax_no": "taken"}, "target.duplicate", "tax_no"),
    "missing": ({"name": None}, "target.required", "name"),
    "orphan": ({"parent": "999"}, "target.reference", "parent"),
    "rule": ({"level": "C"}, "target.check", None),
    "long": ({"name": "x" * 11}, "target.too_long", "name"),
    "large": ({"small": 70_000}, "target.out_of_range", "small"),
    "very large": ({"small": 10**30}, "target.out_of_range", "small"),
    "not a number": ({"paid": Decimal("NaN")}, "target.type", "paid"),
    "no number": ({"small": "many"}, "target.type", "small"),
    "no reference": ({"parent": "x"}, "target.type", "parent"),
    "no day": ({"born": "2024-02-30"}, "target.type", "born"),
    "half a letter": ({"name": "\ud800"}, "target.type", None),
}
TAKEN_BY = {"lite": {"long", "large"}, "pg": {"not a number"}}
"""SQLite's columns take text of any length and integers of 64 bits; PostgreSQL's decimals know NaN."""


@EVERY
def test_the_bad_are_told_apart_and_the_good_are_there(opened: Kit, database: str) -> None:
    opened.sql(CUSTOMER.format(numbered=numbered(opened)))
    connector = opened.connector()
    write(connector, "account", create("o:first", name="first", tax_no="taken"))
    changes: list[Change] = []
    for number, (values, _, _) in enumerate(BAD.values()):
        changes += [create(f"good:{number}", name=f"g{number}"), create(f"bad:{number}", **{"name": "b", **values})]
    outcomes = write(connector, "account", *changes)
    assert [each.state for each in outcomes[::2]] == [OutcomeState.ACKED] * len(BAD)
    answers = {kind: (each.state, each.code) for kind, each in zip(BAD, outcomes[1::2], strict=True)}
    fields = {kind: each.field for kind, each in zip(BAD, outcomes[1::2], strict=True)}
    for kind, (_, code, field) in BAD.items():
        if kind in TAKEN_BY.get(database, set()):
            assert answers[kind] == (OutcomeState.ACKED, None), kind
            continue
        assert answers[kind][0] is OutcomeState.REJECTED, kind
        if (kind, database) in {("no day", "pg"), ("no day", "my")}:
            assert answers[kind][1] in ("target.type", "target.out_of_range")
        else:
            assert answers[kind][1] == code, kind
        if field and not (database == "lite" and kind == "orphan"):  # which SQLite does not name
            assert fields[kind] == field, kind
    names = {name for (name,) in opened.rows("SELECT name FROM account")}
    assert {f"g{number}" for number in range(len(BAD))} < names
    acked = {each.our_key for each in outcomes if each.state is OutcomeState.ACKED}
    assert set(pairs(connector, "account")) == acked | {"o:first"}
    assert connector.count("account") == len(acked) + 1


def test_a_lax_server_cuts_nothing(my: Kit) -> None:
    """MariaDB's own default once was to cut what is too long and to write 0 for what is no number."""
    my.sql("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, name varchar(3), n smallint)")
    ((before,),) = my.rows("SELECT @@global.sql_mode")
    my.sql("SET GLOBAL sql_mode = ''")
    try:
        outcomes = write(my.connector(), "t", create("o:1", name="abcd"), create("o:2", n=70_000))
    finally:
        my.sql(f"SET GLOBAL sql_mode = '{before}'")
    assert [each.code for each in outcomes] == ["target.too_long", "target.out_of_range"]
    assert my.rows("SELECT count(*) FROM t") == [(0,)]


@EVERY
def test_an_update_that_is_refused_leaves_the_others(opened: Kit) -> None:
    opened.sql(CUSTOMER.format(numbered=numbered(opened)))
    connector = opened.connector()
    made = write(connector, "account", *(create(f"o:{n}", name=f"n{n}", tax_no=f"t{n}") for n in range(9)))
    changes = [
        update(f"o:{n}", str(made[n].target_key), name=f"new{n}", tax_no="t0" if n == 4 else f"u{n}") for n in range(9)
    ]
    outcomes = write(connector, "account", *changes)
    assert (
        told(outcomes) == [ACKED] * 4 + [("rejected", "target.duplicate", "tax_no")] + [ACKED] * 4
        or told(outcomes) == [ACKED] * 9
    )  # t0 was given up by the first of the batch
    names = [name for (name,) in opened.rows("SELECT name FROM account ORDER BY id")]
    assert names == [f"new{n}" if outcomes[n].state is OutcomeState.ACKED else f"n{n}" for n in range(9)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.lists(st.booleans(), min_size=1, max_size=40))
@EVERY
def test_whichever_are_bad_all_the_others_are_done(opened: Kit, bad: list[bool]) -> None:
    opened.sql("DROP TABLE IF EXISTS t", f"CREATE TABLE t (id {numbered(opened)}, name varchar(9) NOT NULL)")
    opened.sql("DROP TABLE IF EXISTS changeover_keys")
    connector = opened.connector()
    changes = [create(f"o:{n}", name=None if is_bad else f"n{n}") for n, is_bad in enumerate(bad)]
    outcomes = write(connector, "t", *changes)
    assert [each.state is OutcomeState.REJECTED for each in outcomes] == bad
    found = {str(key): name for key, name in opened.rows("SELECT id, name FROM t")}
    assert {each.our_key: found.pop(str(each.target_key)) for each in outcomes if each.target_key} == {
        f"o:{n}": f"n{n}" for n, is_bad in enumerate(bad) if not is_bad
    }
    assert found == {}
    connector.close()


@EVERY
def test_a_record_that_others_refer_to_is_not_deleted(opened: Kit) -> None:
    opened.sql(CUSTOMER.format(numbered=numbered(opened)))
    connector = opened.connector()
    (parent,) = write(connector, "account", create("o:1", name="parent"))
    made = write(
        connector, "account", create("o:2", name="child", parent=parent.target_key), create("o:3", name="other")
    )
    outcomes = write(
        connector,
        "account",
        *(Change(ChangeKind.DELETE, each.our_key, each.target_key) for each in (parent, made[1])),
    )
    assert [(str(each.state), each.code) for each in outcomes] == [("rejected", "target.reference"), ("acked", None)]
    assert pairs(connector, "account") == {"o:1": parent.target_key, "o:2": made[0].target_key}


def test_a_constraint_that_waits_for_the_commit(pg: Kit, lite: Kit) -> None:
    for opened in (pg, lite):
        opened.sql(
            f"CREATE TABLE account (id {numbered(opened)}, name varchar(9), "
            "parent int REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        connector = opened.connector()
        changes = [create(f"o:{n}", name=f"n{n}", parent="999" if n == 5 else None) for n in range(9)]
        outcomes = write(connector, "account", *changes)
        assert [each.code for each in outcomes] == [None] * 5 + ["target.reference"] + [None] * 3
        assert opened.rows("SELECT count(*) FROM account") == [(8,)]
        assert len(pairs(connector, "account")) == 8


def test_triggers_that_meddle(pg: Kit) -> None:
    pg.sql(
        "CREATE TABLE account (id serial PRIMARY KEY, name text)",
        """CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.name = 'left out' THEN RETURN NULL; END IF;
            IF NEW.name = 'renumbered' THEN NEW.id := NEW.id + 1000; END IF;
            IF NEW.name = 'refused' THEN RAISE EXCEPTION 'not this one'; END IF;
            NEW.name := upper(NEW.name); RETURN NEW; END $$""",
        "CREATE TRIGGER meddle BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION meddle()",
    )
    connector = pg.connector()
    names = ["plain", "left out", "renumbered", "refused", "also plain"]
    outcomes = write(connector, "account", *(create(f"o:{name}", name=name) for name in names))
    assert [(str(each.state), each.code) for each in outcomes] == [
        ("acked", None),
        ("rejected", "target.refused"),
        ("acked", None),
        ("rejected", "target.refused"),
        ("acked", None),
    ]
    assert "not this one" in (outcomes[3].detail or "")
    stored = {str(key): name for key, name in pg.rows("SELECT id, name FROM account")}
    assert {each.our_key: stored[str(each.target_key)] for each in outcomes if each.target_key} == {
        "o:plain": "PLAIN",
        "o:renumbered": "RENUMBERED",
        "o:also plain": "ALSO PLAIN",
    }


@pytest.mark.parametrize(
    ("context", "line", "column"),
    [
        ('COPY account, line 5, column paid: "x"', "5", "paid"),
        ('COPY account, 行 12, 列 paid: "x"', "12", "paid"),
        ('COPY t2, Zeile 7: "\\N\t1"', "7", None),
        ("COPY account，行5，列 paid：“x”", "5", "paid"),
        ('SQL statement "SELECT 1 FROM ONLY x"\nPL/pgSQL function f() line 3', None, None),
    ],
)
def test_a_server_names_the_bad_row_in_its_own_language(context: str, line: str | None, column: str | None) -> None:
    found = COPY_PLACE.search(context)
    assert (found and found["line"], found and found["column"]) == (line, column)


def test_a_nul_in_a_text_is_one_records_fault(pg: Kit) -> None:
    pg.sql("CREATE TABLE t (id serial PRIMARY KEY, name text)")
    connector = pg.connector()
    outcomes = write(connector, "t", create("o:1", name="a"), create("o:2", name="b\0c"), create("o:\0", name="d"))
    assert [(str(each.state), each.code) for each in outcomes] == [
        ("acked", None),
        ("rejected", "target.type"),
        ("rejected", "target.type"),
    ]
    assert pairs(connector, "t") == {"o:1": outcomes[0].target_key}


@EVERY
def test_a_key_is_not_changed(opened: Kit) -> None:
    opened.sql("CREATE TABLE t (id varchar(9) PRIMARY KEY, name varchar(9))")
    connector = opened.connector()
    write(connector, "t", create("o:1", id="a", name="x"))
    assert told(write(connector, "t", update("o:1", "a", id="b", name="y"))) == [("rejected", "target.refused", "id")]
    assert told(write(connector, "t", update("o:1", "a", id="a", name="z"))) == [ACKED]
    assert opened.rows("SELECT id, name FROM t") == [("a", "z")]
