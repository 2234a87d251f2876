"""Words of CRM systems that mean the same, in English, in Chinese, and as Chinese is abbreviated in field names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

LONGEST_PHRASE: Final = 3
_ENTRIES: Final = """
account: account customer client partner company organisation organization household firm cust acct org | 客户 公司 企业 单位 | kh gs dw kehu
contact: contact constituent person | 联系人 | lxr
people: user salesperson seller rep representative assignee employee_ref | 用户 业务员 销售员 | ywy
owner: owner salesperson responsible; assigned to, account manager, sales rep | 负责人 所有人 业务员 拥有人 客户经理 归属人 | ywy fzr ssr
name: name names nm caption; display name | 名称 名字 | mc mingcheng
full_name: ; full name | 姓名 | xm xingming
given_name: forename firstname; first name, given name | 名 | -
family_name: surname lastname; last name, family name | 姓 | -
salutation: salutation honorific; courtesy title, form of address | 称呼 称谓 | ch
subject: subject title topic headline theme | 主题 标题 | zt bt
job_title: position jobtitle function; job title, job position, job function, job role | 职务 职位 岗位 | zw
department: department dept division | 部门 科室 | bm
number: number no num code nr identifier | 编号 编码 号码 代码 号 | bh bm hm dm
external_id: ; external id, legacy id, foreign key, external reference | 外部编号 旧编号 | -
email: email mail; e mail, email address | 邮箱 电子邮件 邮件 | yx youxiang
phone: phone telephone tel landline telefon; phone number | 电话 联系电话 固定电话 座机 | dh lxdh dianhua
mobile: mobile cell cellphone; mobile phone, cell phone, mobile number | 手机 手机号 移动电话 | sj sjh shouji
fax: fax facsimile | 传真 | cz
website: website url homepage web site; web site, web page | 网站 网址 主页 | wz
address: address addr street; street address, address line, mailing street, billing street | 地址 详细地址 街道 | dz dizhi
city: city town locality | 城市 市 所属区域 | cs
state: province; state province | 省份 省 | sf
country: country nation | 国家 | gj
postal_code: postcode zip zipcode postalcode; postal code, zip code, post code | 邮编 邮政编码 | yb yzbm
tax_number: vat tin; tax number, tax no, tax id, vat number, vat id, tax registration number | 税号 纳税人识别号 统一社会信用代码 | sh nsrsbh
industry: industry sector branch | 行业 | hy
staff_count: employees headcount; number of employees, employee count, staff count, no employees | 人数 员工人数 职工人数 | zgrs ygrs
revenue: revenue turnover; annual revenue | 营业额 年收入 | -
amount: amount sum value total money amt; deal value | 金额 总额 | je jine
price: price rate tariff; unit price | 单价 价格 | dj jg
quantity: quantity qty count; number of | 数量 份数 | sl
currency: currency; currency code, iso currency | 币种 货币 | bz
discount: discount rebate | 折扣 | zk
probability: probability likelihood chance; win probability | 概率 赢单率 可能性 | gl
expected: expected estimated planned forecast anticipated scheduled | 预计 计划 预期 | yj jh
actual: actual real effective executed | 实际 | sj
due: due payable receivable; amount due | 应收 应付 | ys
received: received paid collected | 已收 实收 收到 已付 | ss
overdue: overdue late delinquent | 逾期 | yq
stage: stage phase step | 阶段 | jd
status: status state condition | 状态 | zt zhuangtai
type: type kind category class sort | 类型 类别 分类 种类 | lx lb fl leixing
level: level grade tier rank | 级别 等级 | jb dj
priority: priority urgency importance | 优先级 | yxj
rating: rating temperature; lead rating | 评级 热度 | pj
source: source origin; lead source | 来源 渠道 | ly qd
reason: reason cause; loss reason, lost reason | 原因 | yy
lost: lost loss | 丢单 输单 | -
campaign: campaign; marketing campaign | 活动 市场活动 营销活动 | schd
opportunity: opportunity deal gift prospect | 商机 机会 | sj
contract: contract agreement | 合同 协议 | ht
order: order; sales order, purchase order | 订单 | dd
product: product item article goods package; product name | 产品 商品 套餐 项目 | cp sp tc
invoice: invoice bill | 发票 | fp
payment: payment pmt installment instalment | 付款 回款 缴费 | fk hk
statement: statement; account statement | 对账单 | dzd
quote: quote quotation offer | 报价 | bj
task: task activity event interaction todo follow | 任务 活动 跟进 拜访 | rw hd gj
case: case ticket complaint incident | 工单 投诉 | gd ts
lead: lead enquiry inquiry | 线索 | xs
fund: fund gau; general accounting unit | 基金 | -
pledge: pledge; recurring donation, recurring gift | 认捐 | -
donation: donation contribution | 捐赠 | -
allocation: allocation share apportionment | 分配 | fp
percent: percent percentage pct ratio | 百分比 比例 占比 | bl
remark: remark remarks note notes comment comments description desc memo details detail content body text | 备注 说明 描述 内容 | bz ms nr sm beizhu
result: result outcome | 结果 | jg
created: created create creation inserted entered entry added crt | 创建 录入 新建 | cj lr
modified: modified updated changed modification update write; last modified, last updated, last update, last changed | 修改 更新 变更 | xg gx
closed: closed close closing won completed finished end | 关闭 结束 完成 | gb js
signed: signed signing signature sign | 签约 签订 签署 | qy qd
opened: opened open opening established registered founded; set up | 建档 开户 成立 注册 | jd kh zc
started: started start begin beginning begins starts commence valid_from | 开始 起始 生效 | ks qs
ended: ended ends end finish expires expiry expiration until | 到期 结束 截止 终止 | dq js jz
deadline: deadline; due date | 截止日期 期限 | jzrq
birthday: birthday birthdate dob; date of birth, birth date | 生日 出生日期 | sr csrq
moment: date day time at on datetime timestamp when dt | 日期 时间 日 | rq sj riqi
year: year; fiscal year | 年度 年份 年 | nd nf
month: month | 月份 月 | yf
by: by author creator | 人 者 | r
active: active enabled; is active | 有效 启用 在职 | yx qy
archived: archived inactive disabled | 停用 归档 | ty
deleted: deleted removed | 删除 | sc
test: test sample demo | 测试 | cs
primary: primary main principal default | 主要 主 | zy z
key_account: vip; key account, key customer, major account | 重点客户 大客户 | vip zdkh
parent: parent superior head; belongs to, reports to | 上级 父级 母公司 | sj
gender: gender sex | 性别 | xb
language: language lang locale | 语言 | yy
timezone: timezone tz; time zone | 时区 | -
role: role; relationship type | 角色 | js
related: related other second counterpart reciprocal | 关联 相关 | gl
position_order: sequence ordinal; sort order, position order, kanban order, sequence number | 顺序 排序 序号 | xh px
method: method means way; payment method | 方式 | fs
bank: bank | 银行 | yh
season: season seasonal | 季节 | -
frequency: frequency period interval; installment period | 频率 周期 | zq
latitude: latitude lat | 纬度 | wd
longitude: longitude lng lon | 经度 | jd
linkedin: linkedin; linked in, linked in url, linkedin url | - | -
barcode: barcode ean | 条码 | tm
image: image picture photo avatar logo | 照片 图片 | zp
"""
STOP: Final = frozenset(
    ("id", "ids", "is", "has", "the", "of", "a", "an", "to", "for", "and", "in", "this", "are", "was", "fk", "ref")
)
CHINESE_STOP: Final = ("是否", "的", "所属", "归属", "（", "）", "(", ")")
PINYIN_STOP: Final = frozenset(("sf", "id"))
"""是否 before a yes or no, and what follows the name of an object."""


@cache
def phrases() -> Mapping[tuple[str, ...], frozenset[str]]:
    """English words, in sequence -> what they may mean."""
    return _collected(0)


@cache
def chinese() -> Mapping[str, frozenset[str]]:
    return {"".join(words): meanings for words, meanings in _collected(1).items()}


@cache
def pinyin() -> Mapping[str, frozenset[str]]:
    """Pinyin and its first letters -> what they may mean."""
    return {"".join(words): meanings for words, meanings in _collected(2).items()}


def _collected(part: int) -> dict[tuple[str, ...], frozenset[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for line in _ENTRIES.strip().splitlines():
        meaning, _, words = line.partition(": ")
        for phrase in _listed(words.split(" | ")[part]):
            if phrase != ("-",):
                found.setdefault(phrase, set()).add(meaning)
    return {phrase: frozenset(meanings) for phrase, meanings in found.items()}


def _listed(words: str) -> list[tuple[str, ...]]:
    """`a b; c d, e f`: words that stand for themselves, then phrases."""
    singles, _, several = words.partition(";")
    return [*((word,) for word in singles.split()), *(tuple(each.split()) for each in several.split(",") if each)]
