"""A mapping of 22 fields against the same work by hand in pandas on Arrow types: the same result, how much slower?

    make bench-transforms                               medians of 9 rounds, each doing one after the other
    make bench-transforms BENCH="--rows 50000"          a larger chunk
    make bench-transforms BENCH="--apart"               phones and addresses, beside a loop over the distinct values

The mapping uses every transform that works on whole columns (NAMED below), a value map, references and all casts.
What a mapping does and the work by hand does not (misfits, findings, filtered records counted) is the price that the
ratio shows. Exits 1 where a result differs, or where the mapping has less than 0.6 of the speed by hand.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import company
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from changeover.connectors.chunk import Chunk
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.mappings.transform import available

NAMES = (
    "boolean collapse_spaces company_name cut date half_width join lower number pad regex_extract replace split_part "
    "strip_brackets template trim upper"
)
NAMED = NAMES.split()
WANTED = 0.6
STAGES = {stage: f"S{place}" for place, stage in enumerate(company.STAGES)}
TEXT = pd.ArrowDtype(pa.string())
MONEY = pd.ArrowDtype(pa.decimal128(18, 2))
DAY, TIME = pd.ArrowDtype(pa.date32()), pd.ArrowDtype(pa.timestamp("us"))
T = FieldType

MAPPING = """
mapping: customer
from: customer
to: customer
where:
  industry: {present: true}
fields:
  legacy_id: id
  account_name: {from: name, transform: company_name}
  parent: {from: parent_id, reference: customer}
  industry_code: {from: industry, transform: [half_width, trim]}
  billing_city: {from: city, transform: {pad: {width: 6, fill: "*", side: right}}}
  owner_user: {from: owner_id, transform: lower}
  revenue: {from: annual_revenue, transform: number}
  area_code: {from: phone, transform: {split_part: {separator: "-", part: 1}}}
  tel: {from: phone, transform: {replace: {old: "-", new: ""}}}
  full_name: {from: contact, transform: collapse_spaces}
  job_title: {from: title, transform: strip_brackets}
  email_addr: {from: email, transform: [trim, lower]}
  domain: {from: email, transform: {regex_extract: {pattern: "@([a-z0-9.]+)$"}}}
  address: {from: [city, industry], transform: {join: {separator: " "}}}
  shown_as: {from: [contact, title], transform: {template: {parts: ["{1}", " ({2})"]}}}
  stage_code: {from: stage, values: {VALUES}, otherwise: reject}
  deal_amount: amount
  expected_close: {from: close_date, transform: {date: {formats: ["%Y-%m-%d"]}}}
  contract_number: {from: contract_no, transform: [trim, upper]}
  note: {from: note, transform: {cut: {length: 20}}}
  is_active: {from: active, transform: boolean}
  created_on: created_at
"""
KINDS = {
    "parent": T.REFERENCE,
    "revenue": T.DECIMAL,
    "deal_amount": T.DECIMAL,
    "expected_close": T.DATE,
    "is_active": T.BOOLEAN,
    "created_on": T.LOCAL_TIME,
}


def source(rows: int) -> pd.DataFrame:
    """Records with the benchmark company's fields, as text, as exports bring them: spaces, full width, thousands."""
    scale = rows // min(company.SIZES.values()) + 1
    made = {name: company.Maker(name, scale, 7).rows() for name in ("account", "contact", "opportunity", "contract")}
    activities = company.Maker("activity", scale, 7).rows()
    records = []
    for number in range(rows):
        account, contact, deal, contract = (next(made[name]) for name in made)
        code, name, parent, industry, city, owner, revenue, phone, created, _ = account
        records.append(
            {
                "id": code,
                "name": f"{name} " if number % 3 else name,
                "parent_id": parent,
                "industry": industry,
                "city": city,
                "owner_id": owner,
                "annual_revenue": f"¥{float(revenue or 0):,.2f}" if number % 2 else revenue,
                "phone": phone,
                "contact": contact[2],
                "title": f"{contact[3]}（兼）" if number % 5 == 0 else contact[3],
                "email": contact[4],
                "stage": deal[4],
                "amount": deal[5],
                "close_date": deal[6],
                "contract_no": f" {contract[2]}",
                "note": next(activities)[6],
                "active": ("是", "否", "Y", "n", None)[number % 5],
                "created_at": created,
            }
        )
    return pd.DataFrame(records).astype(TEXT)


def mapping(frame: pd.DataFrame, text: str) -> CompiledMapping:
    """The mapping, compiled against schemas that fit. Raises ValueError where anything is wrong with it."""
    with tempfile.TemporaryDirectory() as folder:
        told = text.replace("VALUES", ", ".join(f"{old}: {new}" for old, new in STAGES.items()))
        (Path(folder) / "customer.yaml").write_text(told, encoding="utf-8")
        files = load_mapping_files(Path(folder))
    given = tuple(Field(name, T.LOCAL_TIME if name == "created_at" else T.TEXT) for name in frame)
    wanted = tuple(
        Field(name, kind, references=("customer",) if kind is T.REFERENCE else (), precision=18, scale=2)
        for name in files[0].model.fields
        for kind in (KINDS.get(name, T.TEXT),)
    )
    before = Schema({"customer": ObjectSchema("customer", ("id",), given)})
    after = Schema({"customer": ObjectSchema("customer", ("legacy_id",), wanted)})
    compiled, findings = compile_mappings(files, before, after, "legacy", ZoneInfo("Asia/Shanghai"))
    if "customer" not in compiled:
        raise ValueError(findings)
    return compiled["customer"]


def by_hand(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """What somebody would write for this one move, in pandas; the records, and our keys."""
    frame = frame[frame["industry"].notna() & (frame["industry"] != "")]
    name = frame["name"].str.normalize("NFKC")
    for opening, closing in zip("[【〔〈《{", "]】〕〉》}", strict=True):
        name = name.str.replace(opening, "(", regex=False).str.replace(closing, ")", regex=False)
    name = name.str.replace(r"\s+", " ", regex=True).str.strip()
    name = name.str.replace("( ", "(", regex=False).str.replace(" )", ")", regex=False)
    name = name.str.replace("(?<=[一-鿿]) (?=[一-鿿(])", "", regex=True) if name.str.contains(" ").any() else name
    revenue = frame["annual_revenue"].str.normalize("NFKC").str.replace(r"[^0-9.+-]", "", regex=True)
    active = frame["active"].str.strip().str.lower()
    known = {"是": True, "y": True, "否": False, "n": False}
    made = pd.DataFrame(
        {
            "legacy_id": frame["id"],
            "account_name": name,
            "parent": "legacy:customer:" + frame["parent_id"],
            "industry_code": frame["industry"].str.normalize("NFKC").str.strip(),
            "billing_city": frame["city"].str.pad(6, side="right", fillchar="*"),
            "owner_user": frame["owner_id"].str.lower(),
            "revenue": revenue.astype(MONEY),
            "area_code": frame["phone"].str.split("-").list[0],
            "tel": frame["phone"].str.replace("-", "", regex=False),
            "full_name": frame["contact"].str.replace(r"\s+", " ", regex=True).str.strip(),
            "job_title": frame["title"].str.replace(r"[(（][^()（）]*[)）]", "", regex=True),
            "email_addr": frame["email"].str.strip().str.lower(),
            "domain": frame["email"].str.extract(r"@(?P<domain>[a-z0-9.]+)$", expand=False),
            "address": frame["city"].str.cat(frame["industry"], sep=" "),
            "shown_as": frame["contact"] + " (" + frame["title"] + ")",
            "stage_code": frame["stage"].map(STAGES).astype(TEXT),
            "deal_amount": frame["amount"].astype(MONEY),
            "expected_close": frame["close_date"].astype(DAY),
            "contract_number": frame["contract_no"].str.strip().str.upper(),
            "note": frame["note"].str.slice(0, 20),
            "is_active": active.map(known).astype(pd.ArrowDtype(pa.bool_())),
            "created_on": frame["created_at"].astype(TIME),
        }
    )
    return made, ("legacy:customer:" + frame["id"]).to_list()


def differences(mapped: pd.DataFrame, made: pd.DataFrame) -> list[str]:
    """The columns that differ in any cell, as numbers and texts."""
    wrong = []
    for name in made:
        one, other = (pa.chunked_array(pa.array(each[name])).combine_chunks() for each in (mapped, made))
        same = pc.equal(one.cast(other.type), other)
        if one.null_count != other.null_count or not pc.all(same, min_count=0).as_py():
            wrong.append(str(name))
    return wrong


def race(rounds: int, runners: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each; in every round each runs once, in turn, so that a busy machine is busy for all."""
    took: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds + 1):
        for name, run in runners.items():
            begun = time.perf_counter()
            run()
            if number:  # the first round warms up
                took[name].append(time.perf_counter() - begun)
    return {name: statistics.median(each) for name, each in took.items()}


def told(what: str, rows: int, took: dict[str, float]) -> float:
    ratio = took["by hand"] / took["mapping"]
    speeds = ", ".join(f"{name} {rows / seconds:,.0f} rows/s" for name, seconds in took.items())
    print(f"{what}: {speeds}; {ratio:.2f} of the speed by hand")
    return ratio


def apart(rows: int, rounds: int) -> None:
    """Phones and addresses: what a library or a table costs, each distinct value once on both sides."""
    import phonenumbers
    from changeover.mappings.spelling.divisions import locate

    def number(text: str) -> str:
        return phonenumbers.format_number(phonenumbers.parse(text, "CN"), phonenumbers.PhoneNumberFormat.E164)

    phones = pa.array([f"024-2{number % 10_000_000:07d}" for number in range(rows)])
    addresses = pa.array([f"辽宁省沈阳市和平区南京北街{number}号" for number in range(rows)])
    for what, column, bound, by in (
        ("phone", phones, available()["phone"].bind({}), number),
        ("address_part", addresses, available()["address_part"].bind({"part": "city"}), lambda text: locate(text).city),
    ):
        runners: dict[str, Callable[[], object]] = {
            "mapping": lambda bound=bound, column=column: bound(column),
            "by hand": lambda by=by, column=column: [by(text) for text in column.unique().to_pylist()],
        }
        told(f"{what} ({rows:,} distinct)", rows, race(rounds, runners))


def main(arguments: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=20_000, help="records of the chunk")
    asked.add_argument("--rounds", type=int, default=9)
    asked.add_argument("--apart", action="store_true", help="phones and addresses only")
    said = asked.parse_args(arguments)
    if said.apart:
        apart(said.rows // 10, said.rounds)
        return 0
    frame = source(said.rows)
    compiled = mapping(frame, MAPPING)
    used = {call.name for rule in compiled.mapping_file.model.fields.values() for call in rule.transform}
    assert used == set(NAMED), used ^ set(NAMED)
    assert len(compiled.rules) == 22, len(compiled.rules)
    chunk = Chunk("customer", frame, frame["id"].to_list())
    mapped, (made, keys) = compiled.apply(chunk), by_hand(frame)
    wrong = differences(mapped.frame, made) + (["our keys"] if keys != mapped.our_keys else [])
    if wrong or mapped.misfits:
        print(f"WRONG: {', '.join(wrong)} {mapped.misfits[:3]}")
        return 1
    took = race(said.rounds, {"mapping": lambda: compiled.apply(chunk), "by hand": lambda: by_hand(frame)})
    return int(told(f"22 fields, {said.rows:,} rows ({', '.join(NAMED)})", said.rows, took) < WANTED)


if __name__ == "__main__":
    sys.exit(main())
