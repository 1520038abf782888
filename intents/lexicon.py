"""The words of each enum slot's values, zh and en: read by ``normalise``, looked for by ``complete``, varied by ``data``."""

from __future__ import annotations

import re
from functools import cache

ENUM_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "card_kind": {
        "credit": ("信用卡", "贷记卡", "准贷记卡", "credit card", "credit"),
        "debit": ("借记卡", "储蓄卡", "储蓄", "借记", "debit card", "savings card", "debit"),
    },
    "product_type": {
        "wealth": ("理财", "wealth management", "wealth"),
        "fund": ("基金", "货币基金", "债券基金", "股票基金", "指数基金", "money market fund", "mutual fund", "fund", "funds"),
        "deposit": (
            "定期存款", "活期存款", "定期储蓄", "活期储蓄", "定期", "活期", "存款", "整存整取", "零存整取", "存本取息", "死期", "定存",
            "fixed deposit", "time deposit", "savings deposit", "term deposits", "term deposit", "deposits", "deposit", "fd",
        ),
        "large_cd": ("大额存单", "大额", "certificate of deposit", "large-denomination cd", "large cds", "large cd", "cd"),
        "notice_deposit": ("通知存款", "七天通知", "notice deposit"),
        "structured": ("结构性存款", "结构性", "结构存款", "structured deposit", "structured product"),
        "insurance": (
            "汽车保险", "车险", "保险", "重疾险", "医疗险", "年金险", "意外险", "寿险", "防癌险", "养老险", "分红险", "万能险", "家财险", "旅游险",
            "insurance policy", "car insurance", "insurance",
        ),
        "gold": ("积存金", "纸黄金", "实物金", "黄金", "金条", "金子", "paper gold", "gold bar", "gold"),
        "bond": ("国债", "债券", "储蓄国债", "government bond", "treasury bond", "bonds", "bond"),
        "pension": ("个人养老金", "养老金", "个养", "养老理财", "private pension", "pension"),
    },
    "risk_level": {
        "R1": ("r1", "低风险", "谨慎型", "保本", "最稳", "无风险", "low risk", "no risk", "lowest risk"),
        "R2": ("r2", "中低风险", "稳健型", "稳健", "稳一点", "稳点", "稳一些", "稳当点", "稳当", "保守", "稳妥", "medium-low risk", "lower risk", "steady", "safe"),
        "R3": ("r3", "中风险", "中等风险", "平衡型", "平衡", "medium risk", "moderate risk", "balanced"),
        "R4": ("r4", "中高风险", "进取型", "进取", "medium-high risk", "growth"),
        "R5": ("r5", "高风险", "激进型", "激进", "high risk", "aggressive"),
    },
    "limit_kind": {
        "temporary": ("临时额度", "临时", "临额", "temporary limit", "temporary"),
        "permanent": ("固定额度", "固定", "固额", "永久额度", "永久", "permanent limit", "permanent"),
    },
    "loan_kind": {
        "mortgage": (
            "公积金贷款", "首套房贷款", "二手房贷款", "住房贷款", "按揭贷款", "房屋贷款", "房贷", "按揭", "购房贷款",
            "home loan", "mortgage",
        ),
        "car": ("二手车贷款", "汽车贷款", "车贷", "购车贷款", "auto loan", "car loan"),
        "consumer": (
            "微粒贷", "微立贷", "消费贷款", "消费贷", "网贷", "信用贷", "装修贷款", "装修贷", "i贷", "现金贷", "助学贷款", "发薪贷", "网捷贷",
            "weilidai", "consumer loan", "personal loan", "student loan", "cash loan",
        ),
        "business": (
            "经营贷款", "经营贷", "企业贷款", "小微贷款", "小微贷", "创业贷款", "生意贷", "business loan", "sme loan",
        ),
    },
    "channel": {
        "app": (
            "手机银行", "手机app", "手机", "app", "掌银", "掌上银行", "手机客户端", "客户端", "mobile banking", "mobile app",
            "phone app", "mobile",
        ),
        "counter": ("柜台", "柜面", "网点", "营业厅", "线下", "counter", "branch", "in person", "teller"),
        "atm": ("atm机", "atm", "自助机", "取款机", "存取款机", "自动柜员机", "自助终端", "柜员机", "cash machine"),
        "wechat": ("微信银行", "微信公众号", "公众号", "小程序", "微信", "wechat"),
        "alipay": ("支付宝", "alipay"),
        "phone": ("电话银行", "打电话", "客服电话", "电话", "热线", "telephone banking", "by phone", "hotline", "telephone"),
        "website": (
            "个人网银", "企业网银", "网上银行", "网银", "官网", "网上", "网站", "电脑端", "在线", "online banking",
            "internet banking", "website", "online",
        ),
    },
    "purpose": {
        "travel": ("自费旅游", "境外旅游", "出国旅游", "旅游", "旅行", "出游", "度假", "travelling", "traveling", "travel", "a trip", "trip", "holiday", "vacation", "tourism"),
        "study": ("境外留学", "出国留学", "留学", "上学", "读书", "念书", "交学费", "学费", "生活费", "studying", "study", "tuition", "school"),
        "medical": ("境外就医", "就医", "看病", "治病", "医疗", "medical treatment", "medical", "treatment", "hospital"),
        "family": ("境外探亲", "探亲", "看亲戚", "看家人", "看孩子", "赡家", "visiting family", "visit family", "family"),
        "trade": ("贸易", "货款", "进货", "做生意", "采购", "外贸", "trade", "business", "buying goods", "suppliers"),
        "other": ("其他", "其它", "别的", "出差", "other", "something else"),
    },
}  # fmt: skip
"""Slot → value → words, lower case. A longer word wins over a shorter one inside it (大额存单 over 存款)."""


BANKS = (
    "中国工商银行", "工商银行", "工行", "中国农业银行", "农业银行", "农行", "中国银行", "中行", "中国建设银行", "建设银行", "建行", "交通银行",
    "交行", "招商银行", "招行", "中国邮政储蓄银行", "邮储银行", "邮政储蓄", "邮储", "浦发银行", "浦发", "民生银行", "兴业银行", "光大银行",
    "中信银行", "平安银行", "广发银行", "华夏银行", "农村商业银行", "农商银行", "农商行", "农村信用社", "信用社", "微众银行", "微众", "汇丰银行",
    "汇丰", "渣打银行", "渣打", "花旗银行", "花旗", "江苏银行", "宁波银行", "北京银行", "上海银行", "云杉银行",
)  # fmt: skip
"""Banks by the names customers use, ours among them. A piece of one is never another slot."""


@cache
def _words(slot: str) -> tuple[tuple[str, str], ...]:
    pairs = [(word, value) for value, words in ENUM_WORDS.get(slot, {}).items() for word in words]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


@cache
def enum_pattern(slot: str) -> re.Pattern[str]:
    """A pattern that finds any word of *slot*'s values, longest first; Latin words only as whole words."""
    parts = [
        rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else re.escape(word) for word, _ in _words(slot)
    ]
    return re.compile("|".join(parts), re.IGNORECASE)


def read_enum(slot: str, words: str) -> str | None:
    """The value of *slot* that *words* name or contain, the longest word winning; None where there is none."""
    match = max(enum_pattern(slot).finditer(words), key=lambda found: len(found[0]), default=None)
    return None if match is None else dict(_words(slot))[match[0].lower()]
