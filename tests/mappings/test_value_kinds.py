"""Phones, money, percentages, choices, addresses, names, HTML and lengths, as they stand in old systems."""

from __future__ import annotations

import pyarrow as pa
import pytest
from changeover.mappings.examples import Argument
from changeover.mappings.transform import WrongArgumentError, available


def made(name: str, cell: str, **arguments: Argument) -> str | None:
    """What the transform makes of one cell."""
    result: list[str | None] = available()[name].bind(arguments)(pa.array([cell], pa.string())).to_pylist()
    return result[0]


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("0411-8888 8888", "+8641188888888"),
        ("86-13800138000", "+8613800138000"),
        ("+86 (0)24 23900001", "+862423900001"),
        ("０２４－２３９００００１", "+862423900001"),
        ("400 810 8888转2", "+864008108888;ext=2"),
        ("8008101234", "+868008101234"),
        ("+852 2345 6789", "+85223456789"),
        ("13800138000；", "+8613800138000"),
        ("13800138000 13900139000", "+8613800138000; +8613900139000"),
        ("024-23900001 024-23900002", "+862423900001; +862423900002"),
        ("张三13800138000", "张三13800138000"),
        ("1380013800", "1380013800"),
        ("021-61234567/68", "021-61234567/68"),
        ("95588", "95588"),
        ("", ""),
    ],
)
def test_phones(cell: str, wanted: str) -> None:
    assert made("phone", cell, several="all") == wanted


def test_an_area_code_is_for_landlines_that_lack_it() -> None:
    told = [made("phone", cell, area="024") for cell in ("23900001", "010-62345678", "13800138000", "2390001")]
    assert told == ["+862423900001", "+861062345678", "+8613800138000", "2390001"]


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("US$ 1,234", "1234", "USD"),
        ("人民币5万元", "50000", "CNY"),
        ("RMB¥5", "5", "CNY"),
        ("-¥5", "-5", "CNY"),
        ("¥-5", "-5", "CNY"),
        ("5-", "-5", None),
        ("−5", "-5", None),
        ("0.1亿", "10000000", None),
        ("1百万日元", "1000000", "JPY"),
        ("99999999999999999999.99", "99999999999999999999.99", None),
        ("(-5)", "(-5)", "(-5)"),
        ("(5", "(5", "(5"),
        ("¥5美元", "¥5美元", "¥5美元"),
        ("12,34", "12,34", "12,34"),
        ("5%", "5%", "5%"),
        ("元", "元", "元"),
        ("1e5", "1e5", "1e5"),
    ],
)
def test_money(cell: str, amount: str, currency: str | None) -> None:
    assert (made("money", cell), made("money", cell, part="currency")) == (amount, currency)


@pytest.mark.parametrize("cell", [" " * 10_000, "$ " * 5_000 + "x", "1," * 5_000, "元" * 10_000, "(" * 10_000])
def test_a_hostile_amount_takes_no_time(cell: str) -> None:
    assert made("money", cell) == cell


def test_percent_is_exact_to_the_last_digit() -> None:
    assert made("percent", "0.1000000000000000055%", plain="percent") == "0.001000000000000000055"
    assert made("percent", "-.5 %", plain="fraction", becomes="percent") == "-0.5"
    assert made("percent", "5-10%", plain="percent") == "5-10%"
    assert made("percent", "1e3", plain="percent") == "1e3"


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("2024 年 3 月 1 日", "2024-03-01"),
        ("二〇二四年十二月三十一日", "2024-12-31"),
        ("2024年3月1号 15:05:06", "2024-03-01 15:05:06"),
        ("2024年3月1日 上午12点整", "2024-03-01 00:00:00"),
        ("2024年3月1日晚上8时", "2024-03-01 20:00:00"),
        ("2024年2月30日", "2024年2月30日"),
        ("2024年3月", "2024年3月"),
        ("2024年3月1日 25时", "2024年3月1日 25时"),
    ],
)
def test_chinese_dates(cell: str, wanted: str) -> None:
    assert made("date", cell, formats=["chinese"]) == wanted


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("60", "60"),  # 29 February 1900
        ("61", "1900-03-01"),
        ("0", "0"),
        ("45352.0", "2024-03-01"),
        ("45352.1234567", "2024-03-01 02:57:46.659"),
        ("45352.99999999999", "2024-03-02"),
        ("9999999", "9999999"),
        ("-5", "-5"),
    ],
)
def test_excel_serial_numbers(cell: str, wanted: str) -> None:
    assert made("date", cell, formats=["excel"]) == wanted


@pytest.mark.parametrize(
    ("address", "province", "city", "district", "rest"),
    [
        ("辽宁省沈阳市和平区南京北街1号", "辽宁省", "沈阳市", "和平区", "南京北街1号"),
        ("内蒙古自治区呼和浩特市新城区", "内蒙古自治区", "呼和浩特市", "新城区", ""),
        ("广西南宁市青秀区民族大道", "广西壮族自治区", "南宁市", "青秀区", "民族大道"),
        ("北京市北京市朝阳区", "北京市", "北京市", "朝阳区", ""),
        ("上海市市辖区浦东新区世纪大道", "上海市", "上海市", "浦东新区", "世纪大道"),
        ("110000 中国 北京市", "北京市", "北京市", None, ""),
        ("吉林吉林市昌邑区", "吉林省", "吉林市", "昌邑区", ""),
        ("黔南州都匀市", "贵州省", "黔南布依族苗族自治州", "都匀市", ""),
        ("河北区", "天津市", "天津市", "河北区", ""),
        ("河北石家庄", "河北省", "石家庄市", None, ""),
        ("辽宁省和平区", "辽宁省", "沈阳市", "和平区", ""),
        ("辽宁省海淀区", "辽宁省", None, None, "海淀区"),
        ("东莞市长安镇", "广东省", "东莞市", None, "长安镇"),
        ("香港特别行政区中西区", "香港特别行政区", "香港特别行政区", "中西区", ""),
        ("浙江省杭州市下城区", "浙江省", "杭州市", "下城区", ""),  # given up in 2021
        ("鼓楼区", None, None, "鼓楼区", ""),
        ("朝阳门外大街", None, None, None, "朝阳门外大街"),
        ("北京东路100号", None, None, None, "北京东路100号"),
        ("沈阳安康医院", None, None, None, "沈阳安康医院"),
        ("1 Main Street", None, None, None, "1 Main Street"),
    ],
)
def test_addresses(address: str, province: str | None, city: str | None, district: str | None, rest: str) -> None:
    told = tuple(made("address_part", address, part=part) for part in ("province", "city", "district", "rest"))
    assert told == (province, city, district, rest)


@pytest.mark.parametrize(
    ("name", "surname", "given"),
    [
        ("张 三", "张", "三"),
        ("欧阳娜", "欧阳", "娜"),
        ("欧阳", "欧", "阳"),
        ("张", "张", None),
        ("张王小明", "张王小明", None),
        ("李主任", "李主任", None),
        ("Ada Lovelace", "Lovelace", "Ada"),
        ("Charles de la Vallée", "de la Vallée", "Charles"),
        ("John Smith Jr.", "Smith Jr.", "John"),
        ("Smith, Jr.", "Smith, Jr.", None),
        ("Madonna", "Madonna", None),
        ("", "", None),
    ],
)
def test_names_of_people(name: str, surname: str, given: str | None) -> None:
    assert made("person_name_part", name, part="surname") == surname
    assert made("person_name_part", name, part="given") == given


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("沈阳安康有限责任公司", "沈阳安康"),
        ("沈阳安康股份有限公司（集团）", "沈阳安康股份有限公司(集团)"),
        ("沈阳安康中心(有限合伙)", "沈阳安康中心"),
        ("沈阳自来水公司", "沈阳自来水"),
        ("沈阳安康总公司", "沈阳安康总公司"),
        ("Ankang Pte. Ltd.", "Ankang"),
        ("Ankang, Inc.", "Ankang"),
        ("Costco", "Costco"),
        ("Volkswagen AG", "Volkswagen"),
    ],
)
def test_the_legal_form_of_a_company(name: str, wanted: str) -> None:
    assert made("company_name", name, strip=["form"]) == wanted


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("<div>a<p>b</p></div>", "a\nb"),
        ("<b>x</b> y <i> z</i>", "x y z"),
        ("<p>a</p>\n<p>&nbsp;</p>\n<p>b</p>", "a\nb"),
        ("a<br><br><br><br>b", "a\n\nb"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("<ul><li>a<ol><li>b<li>c</ol><li>d</ul>", "- a\n  1. b\n  2. c\n- d"),
        ("<style>p{}</style><!-- x --><p class=MsoNormal>y<o:p></o:p></p>", "y"),
        ("<a href='mailto:a@example.cn'>a@example.cn</a>", "a@example.cn"),
        ("<p>cut off <a href='htt", "cut off <a href='htt"),
        ("<!-- never closed", "<!-- never closed"),
        ("<p>&lt;b&gt;</p>", "<b>"),
        ("</p></div></b>", ""),
        ("<div>" * 3_000 + "deep", "deep"),
        ("<p>" + "安" * 100_000, "安" * 100_000),
    ],
)
def test_html(cell: str, wanted: str) -> None:
    assert made("html_to_text", cell) == wanted


@pytest.mark.parametrize("counting", ["characters", "utf8", "gbk", "utf16"])
@pytest.mark.parametrize("mark", ["", "…"])
def test_a_cut_text_and_its_rest_are_the_whole(counting: str, mark: str) -> None:
    encoded = {"utf8": "utf-8", "gbk": "gb18030", "utf16": "utf-16-le"}
    for text in ("沈阳安康医院", "a沈b阳👍c", "é" * 9, "短", ""):
        start = made("cut", text, length=7, counting=counting, mark=mark) or ""
        rest = made("cut", text, length=7, counting=counting, mark=mark, keep="rest")
        size = len(start.encode(encoded[counting])) if counting in encoded else len(start)
        assert size // (2 if counting == "utf16" else 1) <= 7
        assert (start if rest is None else start.removesuffix(mark) + rest) == text


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("phone", {"region": "cn"}, "region"),
        ("phone", {"area": "+24"}, "area"),
        ("money", {"signs": {"¥": "yen"}}, "three capital letters"),
        ("money", {"signs": {"5": "CNY"}}, "three capital letters"),
        ("percent", {}, "plain"),
        ("multi", {"separators": []}, "separators"),
        ("multi", {"map": {"a": "b;c"}}, "separator"),
        ("multi", {"unknown": "drop"}, "without a map"),
        ("multi", {"map": {"a": 1}}, "map"),
        ("cut", {"length": 1, "mark": "…"}, "no room"),
        ("company_name", {"strip": ["form", "branch"]}, "strip"),
        ("date", {"formats": ["lunar"]}, "%Y"),
        ("template", {"parts": ["{1} {2}"]}, "name field 2, and there are 1"),
        ("template", {"parts": ["x"]}, "must name a field"),
    ],
)
def test_wrong_arguments_are_named(name: str, arguments: dict[str, Argument], told: str) -> None:
    with pytest.raises(WrongArgumentError, match=told):
        available()[name].bind(arguments)


def test_a_template_must_name_every_field() -> None:
    template = available()["template"]
    assert template.bind({"parts": ["{2}{1}"]}, 2)
    with pytest.raises(WrongArgumentError, match="do not name field 2"):
        template.bind({"parts": ["{1}"]}, 2)
