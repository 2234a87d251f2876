"""Reading by jobs of Bulk 2.0: what REST tells, each record once, whatever befalls the job or an answer."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import StaleCursorError, UnavailableError
from changeover.connectors.pace import Action
from changeover.connectors.salesforce.bulk.place import place_of
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Simulator

from .callers import Caller, simulator
from .org_kit import Answered, InProcess, Strike, connected
from .test_connector_reads import Org, cells

JOBS, RESULTS = "/services/data/v67.0/jobs/query", "/services/data/v67.0/jobs/query/*/results"
ROWS = 1030
BULK: dict[str, object] = {"read_by": "bulk", "bulk_page": 100}
SIZE: dict[str, object] = {"page": 200, "bulk_from": 700, "bulk_page": 100}


@pytest.fixture(scope="module")
def there() -> Iterator[Simulator]:
    """Nothing in it is changed."""
    org = Org(simulator())
    org.accounts(ROWS)
    yield org.simulator
    org.simulator.close()


@pytest.fixture(scope="module")
def ids(there: Simulator) -> list[str]:
    return [str(row["Id"]) for row in there.rows("Account")]


def faulty(there: Simulator, *faults: Fault[FaultKind]) -> Simulator:
    there.faults = Faults(list(faults))
    return there


def on_the_way(there: Simulator, strike: Strike, **options: object) -> Org:
    """strike: what becomes of a call."""
    org = Org(there, **options)
    org.way = InProcess(there, strike)
    org.connector = connected(org.way, org.clock, org.pace, **options)
    return org


def kinds(org: Org) -> list[str]:
    """Calls, without the ids of jobs and locators."""
    told = []
    for each in org.way.sent:
        parts = str(each.path_url).partition("?")[0].removeprefix("/services/data/v67.0/").split("/")
        told.append(f"{each.method} {'/'.join('*' if part[:3] in ('750', '0r8') else part for part in parts)}")
    return [each for each in told if "oauth2" not in each and "describe" not in each]


def keys_of(chunks: Iterable[Chunk]) -> list[str]:
    return [key for chunk in chunks for key in chunk.keys]


def left(there: Simulator) -> list[object]:
    return list(Caller(there).call("GET", "jobs/query")[1]["records"])


# What comes


def test_cells_are_those_that_rest_tells() -> None:
    rich = Org(simulator(numbers_in_cells="exponents"))
    caller = Caller(rich.simulator)
    texts = ['say "no", or; not', "line 1\r\nline 2\nline 3", "NULL", "#N/A", "nan", "客户🏥", "Id", "1e5", "true"]
    parent = caller.create("Account", Name="母公司", Credit_Limit__c="1")
    for at, text in enumerate(texts):
        money = ["0", "0.01", "12500000.5", "99999999999999.99"][at % 4]
        caller.create(
            "Account",
            Name=text.replace("\r\n", " ").replace("\n", " "),
            Description=text if at % 2 else None,
            Credit_Limit__c=money,
            NumberOfEmployees=at * 1000 if at % 3 else None,
            Key_Account__c=at % 2 == 0,
            ParentId=parent if at % 2 else None,
        )
    above: dict[str, object] = {"parents": {"Account": ["Parent.Name", "Parent.Key_Account__c", "Owner.Username"]}}
    rest, bulk = (Org(rich.simulator, read_by=each, **above).connector for each in ("rest", "bulk"))
    fields = [each.name for each in rest.describe().objects["Account"].fields]
    (one,), (other,) = rest.read("Account", fields), bulk.read("Account", fields)
    numbers = {"Credit_Limit__c", "AnnualRevenue"}
    assert (one.keys, list(one.frame.columns)) == (other.keys, list(other.frame.columns))
    assert list(one.frame.dtypes) == list(other.frame.dtypes)
    told, theirs = cells(one), cells(other)
    assert {name: each for name, each in told.items() if name not in numbers} == {
        name: each for name, each in theirs.items() if name not in numbers
    }
    assert [float(str(each)) for each in told["Credit_Limit__c"]] == [
        float(str(each)) for each in theirs["Credit_Limit__c"]
    ]
    assert "1.25000005E7" in theirs["Credit_Limit__c"]
    assert told["Description"][2] == texts[1]
    assert told["Parent.Name"][1:3] == [None, "母公司"]
    rich.simulator.close()


@pytest.mark.parametrize(("read_by", "bulk_range", "size"), [("size", 300, 150), ("bulk", 400, 99), ("bulk", 9999, 70)])
def test_a_read_goes_on_behind_every_cursor(
    read_by: str, bulk_range: int, size: int, there: Simulator, ids: list[str]
) -> None:
    """Though its job is gone, by the last id."""
    options = {**SIZE, "read_by": read_by, "bulk_range": bulk_range}
    chunks = list(Org(there, **options).connector.read("Account", ["Name"], size=size))
    assert all(len(each) <= size for each in chunks)
    assert keys_of(chunks) == ids
    assert left(there) == []
    for chunk in chunks[::3]:
        following = Org(there, **options).connector.read("Account", ["Name"], after=chunk.cursor, size=size)
        assert keys_of(following) == ids[ids.index(chunk.keys[-1]) + 1 :]


def test_a_read_goes_on_in_the_middle_of_a_job(there: Simulator, ids: list[str]) -> None:
    begun = list(islice(Org(there, **BULK).connector.read("Account", ["Name"]), 4))
    again = Org(there, **BULK)
    assert keys_of([*begun, *again.connector.read("Account", ["Name"], after=begun[-1].cursor)]) == ids
    assert kinds(again) == ["GET jobs/query/*/results"] * 7 + ["DELETE jobs/query/*"], "and nothing anew"
    assert left(there) == []


def test_other_fields_are_another_job(there: Simulator, ids: list[str]) -> None:
    begun = list(islice(Org(there, **BULK).connector.read("Account", ["Name"]), 2))
    again = list(Org(there, **BULK).connector.read("Account", ["Name", "Phone"], after=begun[-1].cursor))
    assert keys_of([*begun, *again]) == ids
    assert left(there) == []


def test_what_is_deleted_or_archived_comes_as_the_options_say() -> None:
    org = Org(simulator())
    one, gone = org.accounts(2)
    Caller(org.simulator).call("DELETE", f"sobjects/Account/{gone}")
    assert Org(org.simulator, read_by="bulk").keys() == [one]
    assert Org(org.simulator, read_by="bulk", deleted="read").keys() == [one, gone]
    assert Org(org.simulator, read_by="bulk").keys("Task") == []
    org.simulator.close()


# What it costs


def test_calls_are_the_fewest_that_there_are(there: Simulator, ids: list[str]) -> None:
    """A hundredth of 103,000 records by pages of a hundredth."""
    job = ["POST jobs/query", *["GET jobs/query/*"] * 2]
    end = "DELETE jobs/query/*"
    by_size = Org(there, **SIZE)
    assert by_size.connector.count("Account") == ROWS
    told = by_size.connector.capabilities.allowance.needs_of("Account", Action.READ)
    before = len(by_size.way.sent)
    assert by_size.keys() == ids
    made = kinds(by_size)[1:]
    assert made == ["GET query", *job, *["GET jobs/query/*/results"] * 9, end], "the first page says how many there are"
    assert sum(need.calls_for(ROWS) for need in told) == len(made) == len(by_size.way.sent) - before
    alone = Org(there, **BULK)
    assert alone.keys() == ids
    assert kinds(alone) == [*job, *["GET jobs/query/*/results"] * 11, end]
    small = Org(there, page=200)
    assert small.keys() == ids
    assert kinds(small) == ["GET query", *["GET query/*"] * 5], "nothing besides"


def test_jobs_are_looked_at_when_the_options_say() -> None:
    org = Org(simulator(bulk_polls=3), read_by="bulk", poll=7.5)
    org.accounts(1)
    org.keys()
    assert org.clock.monotonic() == 4 * 7.5
    org.simulator.close()


# What may become of a job, or of a call


def test_nothing_is_lost_or_doubled_by_what_befalls_calls(there: Simulator, ids: list[str]) -> None:
    befalls = [FaultKind.UNAVAILABLE, FaultKind.EDGE, FaultKind.HTML, FaultKind.LOST, FaultKind.CONCURRENT]
    faults = [Fault(RESULTS, kind, frozenset({2 * at + 1})) for at, kind in enumerate(befalls, 1)]
    faults += [Fault(JOBS, FaultKind.LOST, frozenset({1})), Fault(RESULTS, FaultKind.EXPIRED, frozenset({14}))]
    faults += [Fault(f"{JOBS}/750*Q*", FaultKind.UNAVAILABLE, frozenset({1}))]
    org = Org(faulty(there, *faults), **BULK)
    assert org.keys() == ids
    assert there.faults.struck >= 7
    assert org.way.sent[0].path_url == org.way.sent[-1].path_url or left(there) == []
    faulty(there)


@pytest.mark.parametrize("read_by", ["size", "bulk"])
def test_an_answer_without_its_headers_is_not_taken_for_the_end(read_by: str, there: Simulator, ids: list[str]) -> None:
    """The job says how many there are; what is missing is asked for behind the last id."""
    options = {**SIZE, "read_by": read_by}
    org = Org(faulty(there, Fault(RESULTS, FaultKind.BARE, frozenset({3}))), **options)
    assert org.keys() == ids
    assert kinds(org).count("POST jobs/query") == (2 if read_by == "bulk" else 1), "few are left to REST"
    assert left(there) == []
    org = Org(faulty(there, Fault(RESULTS, FaultKind.BARE, every=1)), **options)
    assert org.keys() == ids, "nor where all are so"
    faulty(there)


def test_a_job_that_fails_is_made_again_and_then_left_to_rest(there: Simulator, ids: list[str]) -> None:
    def failing(calls: set[int], **options: object) -> Org:
        return Org(faulty(there, Fault(JOBS, FaultKind.FAILED, frozenset(calls))), **options)

    once = failing({1}, **BULK)
    assert once.keys() == ids
    assert kinds(once).count("POST jobs/query") == 2
    twice = failing({1, 2}, **SIZE)
    assert twice.keys() == ids
    assert kinds(twice).count("GET query/*") == 4, "all but the first page, and the next"
    insisted = failing({1, 2}, **BULK)
    with pytest.raises(UnavailableError) as raised:
        insisted.keys()
    assert (raised.value.code, raised.value.params["reason"]) == ("salesforce.job_failed", "InternalServerError")
    faulty(there)
    assert left(there) == []


def test_what_bulk_does_not_take_is_read_by_rest(there: Simulator, ids: list[str]) -> None:
    bulk = Org(there, read_by="bulk")
    assert bulk.keys("Attachment") == []
    assert "POST jobs/query" not in kinds(bulk), "as is known"
    assert bulk.keys("EntityDefinition") == bulk.keys("EntityDefinition")
    assert kinds(bulk).count("POST jobs/query") == 1, "as the org has said"
    few = Org(simulator(bulk_query_jobs=1), **SIZE)
    few.accounts(900)
    assert len(few.keys()) == len(few.keys()) == 900, "the second time without a job"
    assert kinds(few).count("GET query/*") == 3
    few.simulator.close()


def shuffled(answer: Answered) -> Answered:
    """The rows of a page of results in another order."""
    status, headers, body = answer
    text = gzip.decompress(body) if "Content-Encoding" in headers else body
    head, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
    random.Random(7).shuffle(rows)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    told = {name: each for name, each in headers.items() if name != "Content-Encoding"}
    assert len(rows) > 1
    return status, told, out.getvalue().encode()


def plain(path: str, act: Callable[[], Answered]) -> Answered:
    answer = act()
    return shuffled(answer) if path.endswith("/results") and answer[0] == 200 else answer


def test_rows_in_no_order_come_once_each(there: Simulator, ids: list[str]) -> None:
    options: dict[str, object] = {**BULK, "bulk_range": 400}
    org = on_the_way(there, plain, **options)
    keys = org.keys(size=50)
    assert keys != ids
    assert sorted(keys) == ids
    begun = list(islice(on_the_way(there, plain, **options).connector.read("Account", [], size=50), 5))
    rest = keys_of(on_the_way(there, plain, **options).connector.read("Account", [], after=begun[-1].cursor, size=50))
    assert sorted([*keys_of(begun), *rest]) == ids, "in the middle of the job"
    assert left(there) == []


def test_rows_in_no_order_whose_job_is_gone_are_read_from_the_beginning(there: Simulator) -> None:
    org = on_the_way(there, plain, **BULK)
    chunks = org.connector.read("Account", [])
    begun = list(islice(chunks, 3))
    Caller(there).call("DELETE", f"jobs/query/{place_of('Account', begun[-1].cursor).job}")
    with pytest.raises(UnavailableError) as raised:
        next(chunks)
    assert raised.value.code == "salesforce.job_gone"
    with pytest.raises(StaleCursorError):
        next(iter(Org(there, **BULK).connector.read("Account", [], after=begun[-1].cursor)))
    with pytest.raises(StaleCursorError):
        next(iter(Org(there, **BULK).connector.read("Account", [], after="[1]")))


def test_a_wait_that_is_interrupted_leaves_no_job(there: Simulator) -> None:
    org = Org(there, **BULK)
    org.pace._listen = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        org.keys()
    assert left(there) == []
