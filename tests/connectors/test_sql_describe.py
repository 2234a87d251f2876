"""What a database says of itself: types, keys, references, what is required, unique and writable."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.port import AuditFields, OurKeyPlace
from changeover.connectors.schema import Field, FieldType, ObjectSchema

from .sql_kit import Kit, kit, sqlite_url


def described(opened: Kit, name: str, **options: object) -> ObjectSchema:
    return opened.unprepared(**options).describe().objects[name]


def types(described: ObjectSchema) -> dict[str, FieldType]:
    return {field.name: field.type for field in described.fields}


SMALL, LARGE = str(-(2**63)), str(2**63 - 1)


def test_sqlite_types(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL, memo TEXT, paid DECIMAL(18,2), "
        "rate NUMERIC, ratio REAL, active BOOLEAN NOT NULL DEFAULT 1, born DATE, seen TIMESTAMP, noted DATETIME, "
        "happened TIMESTAMPTZ, photo BLOB, untyped, tax_no VARCHAR(20) UNIQUE, twice INT AS (id * 2) STORED, "
        "level VARCHAR(1) CHECK (level IN ('A', 'B', 'it''s')), manager INTEGER REFERENCES customer(id))"
    )
    assert described(lite, "customer") == ObjectSchema(
        "customer",
        ("id",),
        (
            Field("id", FieldType.INTEGER, unique=True, minimum=SMALL, maximum=LARGE),
            Field("name", FieldType.TEXT, required=True, length=80),
            Field("memo", FieldType.TEXT),
            Field("paid", FieldType.DECIMAL, precision=18, scale=2),
            Field("rate", FieldType.DECIMAL),
            Field("ratio", FieldType.FLOAT),
            Field("active", FieldType.BOOLEAN),
            Field("born", FieldType.DATE),
            Field("seen", FieldType.LOCAL_TIME),
            Field("noted", FieldType.LOCAL_TIME),
            Field("happened", FieldType.INSTANT),
            Field("photo", FieldType.BINARY),
            Field("untyped", FieldType.TEXT),
            Field("tax_no", FieldType.TEXT, length=20, unique=True),
            Field("twice", FieldType.INTEGER, writable=False, minimum=SMALL, maximum=LARGE),
            Field("level", FieldType.CHOICE, choices=("A", "B", "it's")),
            Field("manager", FieldType.REFERENCE, references=("customer",)),
        ),
    )


def test_postgresql_types(pg: Kit) -> None:
    pg.sql(
        "CREATE TYPE stage AS ENUM ('open', 'won')",
        "CREATE DOMAIN money_of_ours AS numeric(12,2)",
        "CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code uuid NOT NULL "
        "DEFAULT gen_random_uuid(), name varchar(80) NOT NULL, short char(4), small smallint NOT NULL, "
        "whole integer, paid numeric(18,2), any_number numeric, own money_of_ours, ratio real, exact double precision, "
        "active boolean, "
        "born date, seen timestamp, happened timestamptz, at time, stage stage, body bytea, doc jsonb, tags text[], "
        "level text CHECK (level IN ('A', 'B')), upper_name text GENERATED ALWAYS AS (upper(name)) STORED)",
        "COMMENT ON COLUMN customer.name IS '客户名称'",
        "COMMENT ON TABLE customer IS '客户'",
        "CREATE UNIQUE INDEX ON customer (small) WHERE active",
        "CREATE UNIQUE INDEX ON customer (lower(name))",
        "CREATE UNIQUE INDEX ON customer (whole)",
    )
    customer = described(pg, "customer")
    assert customer.label == "客户"
    assert types(customer) == {
        "id": FieldType.INTEGER,
        "code": FieldType.TEXT,
        "name": FieldType.TEXT,
        "short": FieldType.TEXT,
        "small": FieldType.INTEGER,
        "whole": FieldType.INTEGER,
        "paid": FieldType.DECIMAL,
        "any_number": FieldType.DECIMAL,
        "own": FieldType.DECIMAL,
        "ratio": FieldType.FLOAT,
        "exact": FieldType.FLOAT,
        "active": FieldType.BOOLEAN,
        "born": FieldType.DATE,
        "seen": FieldType.LOCAL_TIME,
        "happened": FieldType.INSTANT,
        "at": FieldType.TEXT,
        "stage": FieldType.CHOICE,
        "body": FieldType.BINARY,
        "doc": FieldType.TEXT,
        "tags": FieldType.TEXT,
        "level": FieldType.CHOICE,
        "upper_name": FieldType.TEXT,
    }
    fields = {field.name: field for field in customer.fields}
    assert [name for name, field in fields.items() if field.required] == ["name", "small"]
    assert [name for name, field in fields.items() if not field.writable] == ["id", "upper_name"]
    assert [name for name, field in fields.items() if field.unique] == ["id", "whole"]
    assert (fields["stage"].choices, fields["level"].choices) == (("open", "won"), ("A", "B"))
    assert (fields["small"].minimum, fields["small"].maximum) == ("-32768", "32767")
    assert (fields["whole"].minimum, fields["whole"].maximum) == ("-2147483648", "2147483647")
    assert (fields["any_number"].precision, fields["any_number"].scale) == (None, None)
    assert (fields["name"].label, fields["name"].length, fields["short"].length) == ("客户名称", 80, 4)


def test_mariadb_types(my: Kit) -> None:
    my.sql(
        "CREATE TABLE customer (id int unsigned AUTO_INCREMENT PRIMARY KEY, name varchar(80) NOT NULL COMMENT '名称', "
        "active tinyint(1) NOT NULL, tiny tinyint, medium mediumint, bit_flag bit(1), paid decimal(18,2), ratio float, "
        "exact double, born date, seen datetime(6), happened timestamp NULL, at time, founded year, "
        "stage enum('open','won'), tags set('a','b'), memo longtext, photo mediumblob, "
        "twice int AS (medium * 2) STORED, tax_no varchar(20) UNIQUE)"
    )
    customer = described(my, "customer")
    assert types(customer) == {
        "id": FieldType.INTEGER,
        "name": FieldType.TEXT,
        "active": FieldType.BOOLEAN,
        "tiny": FieldType.INTEGER,
        "medium": FieldType.INTEGER,
        "bit_flag": FieldType.BOOLEAN,
        "paid": FieldType.DECIMAL,
        "ratio": FieldType.FLOAT,
        "exact": FieldType.FLOAT,
        "born": FieldType.DATE,
        "seen": FieldType.LOCAL_TIME,
        "happened": FieldType.INSTANT,
        "at": FieldType.TEXT,
        "founded": FieldType.INTEGER,
        "stage": FieldType.CHOICE,
        "tags": FieldType.TEXT,
        "memo": FieldType.TEXT,
        "photo": FieldType.BINARY,
        "twice": FieldType.INTEGER,
        "tax_no": FieldType.TEXT,
    }
    fields = {field.name: field for field in customer.fields}
    assert [name for name, field in fields.items() if field.required] == ["name", "active"]
    assert [name for name, field in fields.items() if not field.writable] == ["twice"]
    assert [name for name, field in fields.items() if field.unique] == ["id", "tax_no"]
    assert (fields["id"].minimum, fields["id"].maximum) == ("0", "4294967295")
    assert (fields["tiny"].minimum, fields["medium"].maximum) == ("-128", "8388607")
    assert (fields["name"].label, fields["name"].length) == ("名称", 80)


def test_references_are_those_on_a_whole_key_of_one_column(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE Account (id INTEGER PRIMARY KEY, code TEXT UNIQUE)",
        "CREATE TABLE pair (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
        "CREATE TABLE contact (id TEXT PRIMARY KEY, owner INTEGER REFERENCES account, "
        "code TEXT REFERENCES Account(code), a INTEGER, b INTEGER, declared INTEGER, "
        "FOREIGN KEY (a, b) REFERENCES pair (a, b))",
    )
    contact = described(lite, "contact", references={"contact": {"declared": "Account"}})
    assert {field.name: field.references for field in contact.fields if field.references} == {
        "owner": ("Account",),
        "declared": ("Account",),
    }
    assert described(lite, "contact").field("declared") == Field(
        "declared", FieldType.INTEGER, minimum=SMALL, maximum=LARGE
    )


def test_a_key_that_nobody_numbers_is_required(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE by_hand (code TEXT PRIMARY KEY)",
        "CREATE TABLE without_rowid (id INTEGER PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE by_default (id TEXT PRIMARY KEY DEFAULT (hex(randomblob(8))))",
    )
    schema = lite.unprepared().describe()
    required = {name: schema.objects[name].fields[0].required for name in schema.objects}
    assert required == {"by_hand": True, "without_rowid": True, "by_default": False}


def test_tables_of_ours_and_tables_without_a_key_are_left_out(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE log (text TEXT)",
        "CREATE TABLE account (id INTEGER PRIMARY KEY)",
        "CREATE VIEW active AS SELECT id, 'x' AS name FROM account",
    )
    connector = lite.connector()
    assert list(connector.describe().objects) == ["account"]
    with pytest.raises(InputError) as caught:
        connector.count("log")
    assert (caught.value.code, caught.value.params["object"]) == ("sql.no_key", "log")
    with pytest.raises(InputError, match=r"sql\.no_object"):
        connector.count("changeover_keys")
    with_keys = lite.unprepared(keys={"log": ["text"], "active": ["id"]})
    assert {name: each.key for name, each in with_keys.describe().objects.items()} == {
        "account": ("id",),
        "log": ("text",),
        "active": ("id",),
    }


def test_only_the_objects_named(lite: Kit) -> None:
    lite.sql("CREATE TABLE a (id INTEGER PRIMARY KEY)", "CREATE TABLE b (id INTEGER PRIMARY KEY)")
    connector = lite.unprepared(objects=["b"])
    assert list(connector.describe().objects) == ["b"]
    with pytest.raises(InputError, match=r"sql\.no_object"):
        connector.count("a")


def test_a_schema_of_postgresql(pg: Kit) -> None:
    pg.sql(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.account (id serial PRIMARY KEY, parent int REFERENCES crm.account)",
        "CREATE TABLE other (id int PRIMARY KEY)",
    )
    connector = pg.connector(schema="crm")
    assert list(connector.describe().objects) == ["account"]
    assert connector.describe().objects["account"].fields[1].references == ("account",)
    assert pg.rows("SELECT count(*) FROM crm.changeover_keys") == [(0,)]


@pytest.mark.parametrize(
    ("options", "code", "params"),
    [
        ({"objects": ["acount"]}, "sql.no_object", {"object": "acount", "near": "account"}),
        ({"keys": {"account": ["idd"]}}, "sql.no_field", {"field": "idd", "near": "id"}),
        ({"references": {"account": {"id": "acct"}}}, "sql.no_object", {"object": "acct"}),
        ({"references": {"account": {"name": ["account", "acct"]}}}, "sql.no_object", {"object": "acct"}),
        ({"our_key": {"account": "nmae"}}, "sql.no_field", {"field": "nmae", "near": "name"}),
        ({"our_key": {"account": "name"}}, "sql.our_key", {"field": "name"}),
        ({"our_key": {"account": "number"}}, "sql.our_key", {"field": "number"}),
    ],
)
def test_options_that_name_what_is_not_there(
    lite: Kit, options: dict[str, object], code: str, params: dict[str, str]
) -> None:
    lite.sql("CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT, number INTEGER UNIQUE)")
    with pytest.raises(InputError) as caught:
        lite.unprepared(**options).describe()
    assert caught.value.code == code
    assert params.items() <= caught.value.params.items()


def test_a_column_for_our_key_is_not_for_mappings(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, ext TEXT NOT NULL UNIQUE)",
        "CREATE TABLE b (id TEXT PRIMARY KEY)",
    )
    connector = lite.unprepared(our_key={"account": "ext"})
    field = connector.describe().objects["account"].field("ext")
    assert field is not None
    assert (field.required, field.writable) == (False, False)
    assert connector.capabilities.our_key is OurKeyPlace.SIDE_TABLE
    alone = lite.unprepared(our_key={"account": "ext"}, objects=["account"])
    assert alone.capabilities.our_key is OurKeyPlace.FIELD


def test_who_and_when_columns(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, changed TEXT, changed_by TEXT)",
        "CREATE TABLE contact (id INTEGER PRIMARY KEY, changed TEXT)",
    )
    everywhere = {"*": {"modified_at": "changed", "modified_by": "changed_by"}}
    connector = lite.unprepared(audit=everywhere, acting_user="migration")
    assert connector.audit_fields("account") == AuditFields("changed", "changed_by")
    assert connector.audit_fields("contact") == AuditFields("changed", None)
    assert connector.acting_user() == "migration"
    with pytest.raises(InputError, match=r"audit\.no_field"):
        lite.unprepared(audit={"contact": {"modified_by": "changed_by"}}).audit_fields("contact")


def test_a_description_is_looked_up_again_when_asked_for(lite: Kit) -> None:
    lite.sql("CREATE TABLE account (id INTEGER PRIMARY KEY)")
    connector = lite.unprepared()
    before = connector.describe().digest()
    lite.sql("ALTER TABLE account ADD COLUMN name TEXT")
    assert connector.describe().digest() != before
    assert list(connector.read("account", ["name"])) == []


def test_identities(lite: Kit, tmp_path: Path) -> None:
    lite.sql("CREATE TABLE account (id INTEGER PRIMARY KEY)")
    assert lite.unprepared().identity().id == "crm.db"
    prepared = lite.connector().identity()
    assert (prepared.kind, prepared.name) == ("sqlite", "crm.db")
    assert lite.unprepared().identity() == prepared
    with kit(sqlite_url(tmp_path, "other.db")) as other:
        assert other.connector().identity().id != prepared.id


def test_two_databases_of_a_server_are_two(postgres_url: str, pg: Kit, mariadb_url: str, my: Kit) -> None:
    for opened in (pg, my):
        identity = opened.unprepared().identity()
        assert opened.unprepared().identity() == identity
        assert identity.name == opened.engine.url.database
        other = "postgres" if opened is pg else "mysql"
        with kit(opened.engine.url.set(database=other).render_as_string(False)) as another:
            assert another.unprepared().identity().id != identity.id
