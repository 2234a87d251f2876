"""Parts of the connector to Fxiaoke that need no tenant: what describes, cells, errors and silences mean. The shapes
are those that clients and recordings show."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import InputError
from changeover.connectors.fxiaoke import connect
from changeover.connectors.fxiaoke.cells import MisfitError, column, sent
from changeover.connectors.fxiaoke.errors import Kind, field_named, kind_of, refusal
from changeover.connectors.fxiaoke.options import read_options
from changeover.connectors.fxiaoke.tenant import TenantObject, described, listed
from changeover.connectors.fxiaoke.transport import HttpTransport, NoAnswerError, NotSentError
from changeover.connectors.fxiaoke.wire import Json, read
from changeover.connectors.pace import Pace
from changeover.connectors.port import Settings
from changeover.connectors.schema import FieldType
from changeover.connectors.secrets import Secrets

from .fxiaoke_kit import APP, START

CHINA = ZoneInfo("Asia/Shanghai")
FIELDS: dict[str, Json] = {
    "name": {"label": "客户名称", "type": "text", "is_required": True, "define_type": "system", "max_length": 100},
    "owner": {"label": "负责人", "type": "employee", "define_type": "package", "is_required": True},
    "account_level": {
        "label": "客户级别",
        "type": "select_one",
        "options": [{"label": "重要", "value": "1"}, {"label": "旧", "value": "2", "not_usable": True}],
    },
    "amount__c": {"label": "金额", "type": "currency", "decimal_places": 2, "max_length": 14},
    "visits__c": {"label": "次数", "type": "number", "decimal_places": 0},
    "total__c": {"label": "合计", "type": "formula", "return_type": "currency", "decimal_places": 2},
    "signed__c": {"label": "签约日", "type": "date"},
    "called__c": {"label": "通话", "type": "date_time"},
    "wants__c": {"label": "意向", "type": "select_many"},
    "vip__c": {"label": "VIP", "type": "true_or_false", "is_required": True, "default_value": False},
    "files__c": {"label": "附件", "type": "file_attachment"},
    "field_xK3f2__c": {"label": "来源系统", "type": "text", "max_length": 20},
    "parent__c": {"label": "上级", "type": "object_reference", "target_api_name": "object_9aB__c"},
    "old__c": {"label": "停用", "type": "text", "is_active": False},
    "legacy_key__c": {"label": "旧系统主键", "type": "text", "is_unique": True, "max_length": 255},
    "create_time": {"label": "创建时间", "type": "date_time", "define_type": "system"},
    "last_modified_time": {"label": "最后修改时间", "type": "date_time", "define_type": "system"},
    "life_status": {"label": "生命状态", "type": "select_one", "define_type": "system"},
}


def account(**options: object) -> TenantObject:
    settings = Settings("fx", "fxiaoke", {**APP, **options})
    told: dict[str, Json] = {"data": {"describe": {"api_name": "AccountObj", "label": "客户", "fields": FIELDS}}}
    return described("AccountObj", "AccountObj", "", told, read_options(settings), {"object_9aB__c": "group__c"})


def test_a_describe_becomes_a_schema() -> None:
    there = account(fields={"AccountObj": {"source__c": "field_xK3f2__c"}})
    fields = {each.name: each for each in there.schema.fields}
    assert (there.schema.key, there.schema.label, there.custom, there.binned) == (("_id",), "客户", False, True)
    assert {name: each.type for name, each in fields.items() if each.type is not FieldType.TEXT} == {
        "account_level": FieldType.CHOICE,
        "amount__c": FieldType.DECIMAL,
        "visits__c": FieldType.INTEGER,
        "total__c": FieldType.DECIMAL,
        "signed__c": FieldType.DATE,
        "called__c": FieldType.INSTANT,
        "vip__c": FieldType.BOOLEAN,
        "parent__c": FieldType.REFERENCE,
        "files__c": FieldType.FILE,
        "create_time": FieldType.INSTANT,
        "last_modified_time": FieldType.INSTANT,
        "life_status": FieldType.CHOICE,
    }
    kept = {name for name, each in fields.items() if not each.writable}
    assert kept == {"_id", "total__c", "last_modified_time", "life_status", "legacy_key__c"}
    assert {name for name, each in fields.items() if each.required} == {"name", "owner"}, "a default is a value"
    assert fields["account_level"].choices == ("1",), "an option that is switched off cannot be chosen"
    assert (fields["amount__c"].precision, fields["amount__c"].scale, fields["name"].length) == (14, 2, 100)
    assert fields["parent__c"].references == ("group__c",), "an object by the project's own name"
    assert "old__c" not in fields
    assert "field_xK3f2__c" not in fields
    assert (there.api_of("source__c"), fields["source__c"].label) == ("field_xK3f2__c", "来源系统")
    assert (there.our_key, there.unique) == ("legacy_key__c", True)
    assert [name for name, each in fields.items() if not each.changeable] == ["create_time"]
    assert not account(preserve=False).fields["create_time"].field.writable
    other = account(our_key={"*": "name", "ContactObj": "x__c"})
    assert (other.our_key, other.unique) == ("name", False)
    assert account(our_key="nowhere__c").our_key is None


def test_only_active_objects_are_listed() -> None:
    told: dict[str, Json] = {
        "data": {
            "objects": [
                {"describeApiName": "AccountObj", "describeDisplayName": "客户", "isActive": True},
                {"describeApiName": "old__c", "describeDisplayName": "旧", "isActive": False},
                {"describeApiName": "bill__c", "describeDisplayName": "对账单"},
            ]
        }
    }
    assert listed(told) == {"AccountObj": "客户", "bill__c": "对账单"}


CELLS: list[tuple[str, Cell, Json]] = [
    ("name", "甲公司", "甲公司"),
    ("name", "", ""),
    ("name", None, None),
    ("owner", "1001", ["1001"]),
    ("amount__c", Decimal("21739535.00"), "21739535"),
    ("amount__c", Decimal("0.10"), "0.1"),
    ("visits__c", -7, "-7"),
    ("vip__c", True, True),
    ("wants__c", "体检;口腔", ["体检", "口腔"]),
    ("signed__c", dt.date(2024, 2, 29), 1_709_136_000_000),
    ("called__c", dt.datetime(2024, 2, 29, 8, 0, 0, 1_999, dt.UTC), 1_709_193_600_001),
    ("called__c", dt.datetime(1969, 12, 31, 23, 59, 59, 999_000, dt.UTC), -1),
    ("account_level", "1", "1"),
    (
        "files__c",
        '[{"id": "TN_1", "name": "盖章.PDF", "size": 3, "checksum": "md5:0"}]',
        [{"path": "TN_1", "filename": "盖章.PDF", "name": "盖章.PDF", "size": 3, "ext": "pdf"}],
    ),
]


@pytest.mark.parametrize(("name", "cell", "wire"), CELLS)
def test_cells_go_out_in_the_gateways_forms(name: str, cell: Cell, wire: Json) -> None:
    assert sent(account().fields[name], cell, CHINA) == wire


def test_what_has_no_form_there_is_no_cell() -> None:
    there = account()
    wrong: list[tuple[str, Cell]] = [
        ("files__c", "no JSON"),
        ("files__c", "{}"),
        ("name", 1.5),
        ("name", b"x"),
        ("called__c", dt.datetime(2024, 2, 29)),  # noqa: DTZ001
        ("signed__c", dt.date(1, 1, 1)),
    ]
    for name, cell in wrong:
        with pytest.raises(MisfitError):
            sent(there.fields[name], cell, CHINA)


def test_cells_come_in_as_they_are_stored() -> None:
    there = account()

    def came(name: str, *told: Json) -> list[Cell]:
        cells: list[Cell] = column(there.fields[name], told, CHINA).to_pylist()
        return cells

    assert came("amount__c", "21739535.00", 80, None, "") == ["21739535.00", "80", None, None]
    assert came("owner", ["1000"], ["1000", "1001"], [], None) == ["1000", "1000;1001", None, None]
    assert came("signed__c", 1_709_136_000_000, "1709136000000", None) == [dt.date(2024, 2, 29)] * 2 + [None]
    assert came("called__c", -1, None) == [dt.datetime(1969, 12, 31, 23, 59, 59, 999_000, dt.UTC), None]
    assert came("called__c", -1, "soon") == ["1969-12-31 23:59:59.999000Z", "soon"], "judged by whoever types it"
    one = {"path": "N_1", "ext": "pdf"}
    assert came("files__c", [one]) == ['[{"ext": "pdf", "path": "N_1"}]'], "judged by whoever types it"
    told = '[{"id":"N_1","name":"a.pdf","size":3}]'
    assert came("files__c", [one | {"name": "a.pdf", "size": 3}], [one | {"filename": "a.pdf", "size": "3"}], []) == [
        told,
        told,
        None,
    ]
    assert came("vip__c", True, None) == [True, None]
    assert column(there.fields["signed__c"], [], CHINA).type == "date32[day]"


def test_codes_and_texts_have_their_meaning() -> None:
    assert {code: kind_of(code) for code in (0, -1, -2, 14001, 30002, 20016, 20006, 50009, 20017, 201112011)} == {
        0: Kind.DONE,
        -1: Kind.BUSY,
        -2: Kind.SILENT,
        14001: Kind.THROTTLED,
        30002: Kind.SPENT,
        20016: Kind.SESSION,
        20006: Kind.FATAL,
        50009: Kind.SILENT,
        20017: Kind.REFUSED,
        201112011: Kind.REFUSED,
    }
    told = "数据[64a0]的字段[客户名称]关联关系不存在-201112011"
    assert (refusal(1, told), field_named(told, {"客户名称": "account_id"})) == ("target.reference", "account_id")
    assert refusal(1, "字段[编号]的值重复") == "target.duplicate"
    assert refusal(1, "[名称]不能为空") == "target.required"
    assert refusal(1, "数据不存在或已被删除") == "target.gone"
    assert refusal(1, "无此操作的数据权限") == "target.refused"
    assert (kind_of(20012), refusal(20012, "x")) == (Kind.REFUSED, "target.reference"), "one record's owner"


def test_amounts_pass_through_no_float() -> None:
    assert read(b'{"a": 21739535.10, "b": 1, "c": NaN}') == {"a": "21739535.10", "b": 1, "c": "NaN"}
    for body in (b"<html>", b"[]", b'{"a":', b""):
        with pytest.raises(NoAnswerError):
            read(body)


@contextmanager
def server(reply: bytes) -> Iterator[str]:
    """Says this to whoever comes, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            came, _ = listening.accept()
            with came:
                came.recv(65536)
                came.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


def test_what_never_left_is_told_from_what_nobody_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSentError):
        HttpTransport(f"http://127.0.0.1:{port}", 5).answer("POST", "/cgi/x", {}, b"{}")
    for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"):
        with server(reply) as host, pytest.raises(NoAnswerError):
            HttpTransport(host, 5).answer("POST", "/cgi/x", {}, b"{}")
    with server(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n") as host:
        assert HttpTransport(host, 5).answer("POST", "/cgi/x", {}, b"{}")[0] == 302, "not gone after"


def test_options_are_checked() -> None:
    def refused(**options: object) -> tuple[str, dict[str, str | int]]:
        clock = VirtualClock(START)
        with pytest.raises(InputError) as caught:
            connect(Settings("fx", "fxiaoke", {**APP, **options}), Secrets(), Pace(clock), clock)
        return caught.value.code, caught.value.params

    code, told = refused(aprovals=True)
    assert (code, told["near"]) == ("option.unknown", "approvals")
    assert refused(find_size=500)[0] == "option.value"
    assert refused(host="open.fxiaoke.com")[0] == "fxiaoke.host"
    assert refused(timeout="soon")[0] == "option.value"
    told_seconds = read_options(Settings("fx", "fxiaoke", {**APP, "seconds": "1.5", "timeout": 20}))
    assert (told_seconds.seconds, told_seconds.timeout) == (1.5, 20.0), "as a project's YAML has them"
