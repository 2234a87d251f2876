"""Chinese words from which the demo's invented companies, people and texts are put together."""

from __future__ import annotations

from typing import Final, NamedTuple


class City(NamedTuple):
    """name: as the new CRM writes it. spelled: the ways the old CRM writes it. area: dialling code. post: first four
    digits of its postal codes."""

    name: str
    spelled: tuple[str, ...]
    area: str
    post: str


CITIES: Final = (
    City("北京", ("北京市", "北京", "BJ"), "010", "1000"),
    City("上海", ("上海市", "上海", "SH"), "021", "2000"),
    City("天津", ("天津市", "天津"), "022", "3000"),
    City("石家庄", ("石家庄市", "石家庄"), "0311", "0500"),
    City("太原", ("太原市", "太原"), "0351", "0300"),
    City("呼和浩特", ("呼和浩特市", "呼和浩特", "呼市"), "0471", "0100"),
    City("沈阳", ("沈阳市", "沈阳"), "024", "1100"),
    City("南京", ("南京市", "南京"), "025", "2100"),
    City("杭州", ("杭州市", "杭州"), "0571", "3100"),
    City("合肥", ("合肥市", "合肥"), "0551", "2300"),
    City("厦门", ("厦门市", "厦门"), "0592", "3610"),
    City("济南", ("济南市", "济南"), "0531", "2500"),
    City("武汉", ("武汉市", "武汉"), "027", "4300"),
    City("长沙", ("长沙市", "长沙"), "0731", "4100"),
    City("广州", ("广州市", "广州", "GZ"), "020", "5100"),
    City("深圳", ("深圳市", "深圳", "SZ"), "0755", "5180"),
    City("成都", ("成都市", "成都"), "028", "6100"),
    City("西安", ("西安市", "西安"), "029", "7100"),
)

FIRST_WORDS: Final = tuple("华鑫瑞恒盛联创科达信诚通德博远宏锦泰安润嘉康禾凯朗启铭睿晟旭祥裕隆昌茂丰和悦佳冠")
SECOND_WORDS: Final = tuple("源海天宇川岳峰林森洋晨光辉星辰明阳景云帆腾飞翔舟桥石金玉兰芝松柏竹梅春秋夏江河湖")


class Trade(NamedTuple):
    """word: in the company's name. legal: what such a name ends with. kind: the new CRM's kind of customer."""

    word: str
    legal: tuple[str, ...]
    kind: str


_LIMITED = ("有限公司", "股份有限公司", "集团有限公司")
TRADES: Final = (
    *(
        Trade(word, _LIMITED, "enterprise")
        for word in (
            "电子科技", "机械制造", "建筑工程", "物流", "医药", "能源", "食品", "信息技术", "纺织", "汽车配件",
            "商贸", "环保科技", "新材料", "文化传播", "物业管理", "酒店管理", "生物科技", "咨询",
        )
    ),
    Trade("实验学校", ("", "（东校区）", "（西校区）"), "school"),
    Trade("职业技术学院", ("", "（新校区）", "（老校区）"), "school"),
    Trade("区教育局", ("", "机关", "下属单位"), "government"),
    Trade("街道办事处", ("", "社区服务中心", "综合办"), "government"),
    Trade("医院", ("", "（分院）", "体检中心"), "hospital"),
    Trade("社区门诊部", ("", "（一部）", "（二部）"), "hospital"),
)  # fmt: skip

KINDS: Final = {
    "enterprise": ("企业", "企业客户", "公司"),
    "school": ("学校", "院校"),
    "government": ("机关事业", "政府机关", "机关"),
    "hospital": ("医疗机构", "医院"),
}

_LAST = len(_LIMITED) * len(SECOND_WORDS) * len(FIRST_WORDS)
COMPANIES: Final = _LAST * len(TRADES) * len(CITIES)
_STRIDE: Final = 1_299_709  # a prime that divides none of the word counts, so that every number names another company


class Company(NamedTuple):
    """city, trade: places in CITIES and TRADES. stem: the name without what it legally ends with."""

    city: int
    trade: int
    stem: str
    legal: str

    @property
    def name(self) -> str:
        return self.stem + self.legal


def company(number: int) -> Company:
    """The company of that number, from 0; the first `COMPANIES` numbers name as many different companies."""
    rest, city = divmod(number * _STRIDE % COMPANIES, len(CITIES))
    rest, trade = divmod(rest, len(TRADES))
    rest, first = divmod(rest, len(FIRST_WORDS))
    legal, second = divmod(rest, len(SECOND_WORDS))
    stem = CITIES[city].name + FIRST_WORDS[first] + SECOND_WORDS[second] + TRADES[trade].word
    return Company(city, trade, stem, TRADES[trade].legal[legal])


SURNAMES: Final = (
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("黄", "huang"),
    ("赵", "zhao"), ("吴", "wu"), ("周", "zhou"), ("徐", "xu"), ("孙", "sun"), ("马", "ma"), ("朱", "zhu"),
    ("胡", "hu"), ("郭", "guo"), ("何", "he"), ("林", "lin"), ("高", "gao"), ("罗", "luo"), ("梁", "liang"),
    ("宋", "song"), ("唐", "tang"), ("许", "xu"), ("韩", "han"), ("冯", "feng"), ("邓", "deng"), ("曹", "cao"),
    ("彭", "peng"), ("曾", "zeng"), ("欧阳", "ouyang"), ("诸葛", "zhuge"),
)  # fmt: skip
_GIVEN = """
伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 兰 霞 平 刚 玲 燕 桂英 志华 红梅 春雨 晨浩 宇轩 子涵 欣怡 梓博
思远 嘉琪 雪晓 东海 龙飞 鹏程 佳慧 颖琳 建国 文辉 国庆 秀兰 海波 小䶮
"""
GIVEN: Final = tuple(_GIVEN.split())

ROADS: Final = (
    "人民路",
    "中山路",
    "解放大道",
    "建设街",
    "文化路",
    "和平大街",
    "滨河路",
    "科技园路",
    "学府街",
    "健康路",
)
TITLES: Final = ("人事经理", "行政主管", "工会主席", "总经理", "办公室主任", "采购经理", "财务主管", "校医", "福利专员")
REMARKS: Final = (
    "年度体检客户，春季集中安排。",
    "要求报告一周内寄出，附电子版。",
    "女员工加两癌筛查；体检当天提供早餐 🍱",
    "联系前请先发短信。\n财务对账找王姐。",
    "对价格敏感，'老客户价' 已报备。",
    "员工分散在三地，可走合作医院。",
    '发票抬头务必写全称，"（集团）"不能省。',
)
SERVICES: Final = (
    "年度团体体检",
    "入职体检",
    "职业健康检查",
    "药品福利采购",
    "企业健康小屋",
    "疫苗接种服务",
    "慢病管理",
)
STAGES: Final = {
    "lead": ("初步接洽", "初步接触"),
    "qualified": ("需求确认", "需求已确认"),
    "proposal": ("方案报价", "已报价"),
    "negotiation": ("商务谈判", "谈判中"),
    "won": ("赢单", "成交"),
    "lost": ("输单", "丢单"),
}
UNKNOWN_STAGES: Final = ("待领导定", "暂缓？", "再说")
SOURCES: Final = {
    "referral": ("老客户介绍", "转介绍"),
    "exhibition": ("展会",),
    "phone": ("电话", "电话营销"),
    "web": ("官网",),
}
ACTIVITY_KINDS: Final = {
    "call": ("电话", "电联"),
    "visit": ("拜访", "上门拜访"),
    "wechat": ("微信",),
    "email": ("邮件",),
}
SYSTEM_ACTIVITY: Final = "系统日志"
ACTIVITY_TEXTS: Final = (
    "已与对方确认体检人数，下周提交方案。",
    "客户对报价有异议，需重新核算套餐成本。",
    "合同条款待法务审核；付款方式为分期。",
    "电话未接通，改约下周三。",
    "现场沟通顺利 👍，要求增加心脑血管项目。",
    "报告解读会已安排，地点：职工之家。\n参加约四十人。",
)
CONTRACT_STATES: Final = {"draft": "草稿", "active": "执行中", "finished": "已完成", "terminated": "已终止"}
PAYMENT_TERMS: Final = ("一次性付清", "月结", "季结", "预付三成，余款验收后付")
STATEMENT_STATES: Final = {"settled": "已核销", "partial": "部分回款", "open": "未核销"}
TEXT_AMOUNTS: Final = ("约12万元", "20万左右", "面议")
TEXT_COUNTS: Final = ("200多人", "约五百", "不详")
IMPOSSIBLE_DAYS: Final = ("02-30", "02-31", "04-31", "13-05")

_TO_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def full_width(text: str) -> str:
    """The text with its ASCII characters as the wide ones of a Chinese keyboard: `(A1)` becomes `（Ａ１）`."""
    return text.translate(_TO_FULL)
