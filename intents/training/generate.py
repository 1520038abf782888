"""Slot values made up for training, with the variety customers write them in, zh and en."""

from __future__ import annotations

import random
from collections.abc import Callable

from intents.understanding import Language

_DIGITS = "零一二三四五六七八九"
_CURRENCIES: dict[Language, tuple[str, ...]] = {
    "zh": (
        "美元", "美金", "美刀", "刀", "USD", "usd", "欧元", "EUR", "欧", "日元", "日币", "日圆", "JPY", "英镑", "镑", "GBP",
        "港币", "港元", "港纸", "HKD", "澳元", "澳币", "加元", "加币", "瑞郎", "瑞士法郎", "新加坡元", "新币", "坡币", "新西兰元",
        "纽币", "韩元", "韩币", "泰铢", "泰币", "人民币", "RMB", "卢布", "澳门元", "外币",
    ),
    "en": (
        "USD", "usd", "US dollars", "dollars", "dollar", "EUR", "euros", "euro", "JPY", "yen", "Japanese yen", "GBP",
        "pounds", "sterling", "British pounds", "HKD", "Hong Kong dollars", "AUD", "Australian dollars", "CAD",
        "Canadian dollars", "CHF", "Swiss francs", "SGD", "Singapore dollars", "NZD", "New Zealand dollars", "KRW",
        "Korean won", "won", "THB", "baht", "Thai baht", "RMB", "CNY", "yuan",
    ),
}  # fmt: skip
_PLACES: dict[Language, tuple[str, ...]] = {
    "zh": (
        "北京", "上海", "广州", "深圳", "杭州", "南京", "成都", "重庆", "武汉", "西安", "苏州", "天津", "长沙", "青岛", "大连", "厦门",
        "宁波", "郑州", "昆明", "哈尔滨", "沈阳", "合肥", "福州", "佛山", "东莞", "无锡", "温州", "济南", "太原", "南昌", "贵阳", "南宁",
        "海口", "兰州", "乌鲁木齐", "拉萨", "浦东新区", "朝阳区", "海淀", "天河区", "余杭区", "徐家汇", "中关村", "人民路", "解放路",
        "中山东路", "建设大道", "火车站附近", "万达广场", "江苏省", "浙江", "山东省临沂市", "四川绵阳", "广东惠州", "河北廊坊", "昆山市",
    ),
    "en": (
        "Beijing", "Shanghai", "Shenzhen", "Guangzhou", "Hangzhou", "Chengdu", "Nanjing", "Suzhou", "Xi'an", "Wuhan",
        "Pudong", "Chaoyang", "Jing'an", "Futian", "West Lake district", "Nanjing Road", "Qingdao", "Xiamen",
    ),
}  # fmt: skip
_COUNTRIES: dict[Language, tuple[str, ...]] = {
    "zh": (
        "美国", "英国", "日本", "韩国", "泰国", "新加坡", "澳大利亚", "澳洲", "加拿大", "德国", "法国", "意大利", "西班牙", "瑞士",
        "新西兰", "马来西亚", "越南", "俄罗斯", "香港", "澳门", "台湾", "迪拜", "印度", "菲律宾", "欧洲", "巴西", "荷兰", "爱尔兰",
    ),
    "en": (
        "the US", "America", "the UK", "Britain", "Japan", "Korea", "Thailand", "Singapore", "Australia", "Canada",
        "Germany", "France", "Italy", "Spain", "Switzerland", "New Zealand", "Malaysia", "Vietnam", "Hong Kong", "Macau",
    ),
}  # fmt: skip
_BANKS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "工行", "工商银行", "农行", "农业银行", "中行", "中国银行", "建行", "建设银行", "交行", "交通银行", "招行", "招商银行", "邮储银行",
        "邮政", "浦发", "浦发银行", "民生银行", "兴业", "光大银行", "中信银行", "平安银行", "广发", "华夏银行", "农村信用社", "农商行",
        "微众银行", "汇丰", "渣打", "江苏银行", "宁波银行",
    ),
    "en": ("ICBC", "Bank of China", "CCB", "HSBC", "Citibank", "ABC", "China Merchants Bank", "Standard Chartered"),
}  # fmt: skip
_MERCHANTS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "京东", "淘宝", "天猫", "拼多多", "美团", "饿了么", "滴滴", "盒马", "星巴克", "山姆", "沃尔玛", "携程", "苹果", "抖音", "唯品会",
        "财付通", "银联", "麦当劳", "物美超市", "中石化", "亚马逊", "肯德基", "海底捞", "爱奇艺", "腾讯视频", "航空公司", "加油站",
    ),
    "en": ("Amazon", "Apple", "Starbucks", "Uber", "Didi", "Taobao", "JD", "Walmart", "Netflix", "Steam", "Ctrip", "Costco"),
}  # fmt: skip
_PRODUCTS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "{a}{b}{n}号", "{a}{b}", "{a}{b}第{n}期", "{a}·{b}", "{a}{b}A", "{a}{b}混合", "{code}", "{a}{b}{n}",
        "{a}增利", "{a}宝", "{a}添利{n}号", "{a}{b}债券基金", "{a}成长基金", "{a}活期+", "{a}天天盈",
    ),
    "en": ("{e} {f}", "{e} {f} {n}", "{code}", "{e} Fund", "{e} {f} No. {n}", "Spruce {e}", "{e} Plus"),
}  # fmt: skip
_CARDS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "白金卡", "金卡", "普卡", "青年卡", "钻石卡", "校园卡", "车主卡", "航空联名卡", "旅行卡", "社保卡", "公务卡", "ETC信用卡", "女士卡",
        "云杉白金卡", "无限卡", "副卡", "美团联名卡", "粤通卡", "VISA白金卡", "万事达卡", "运通卡", "银联金卡", "京东联名卡", "亲子卡",
    ),
    "en": ("platinum card", "gold card", "Youth card", "diamond card", "travel card", "classic card", "Visa Platinum", "Spruce Gold"),
}  # fmt: skip
_VAGUE = ("几百块", "一万多", "三五千", "十来万", "五六百", "几千块钱", "两三万", "一百多")
_A = (
    "安心",
    "稳健",
    "云杉",
    "金钥匙",
    "月月",
    "天天",
    "本利",
    "齐鲁",
    "盈盈",
    "鑫享",
    "尊享",
    "乐享",
    "国华",
    "众安",
    "恒利",
    "季季",
)
_B = ("得利", "稳固", "丰", "盈", "天利", "增利", "快线", "添益", "灵动", "优选", "成长", "宝", "聚富", "安享")
_E = ("Steady", "Evergreen", "Spruce", "Harvest", "Prime", "Silver", "Sunrise", "Balanced", "Cedar")
_F = ("Growth", "Income", "Yield", "Bond", "Select", "Cash", "Monthly", "Pension")


def chinese_number(number: int) -> str:
    """*number*, 1 to 99,999,999, as one writes it in Chinese: 12000 is 一万二千."""
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        gap = "零" if 0 < low < 1000 else ""
        return chinese_number(high) + "万" + (gap + chinese_number(low) if low else "")
    text, pending = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            text += ("零" if pending else "") + _DIGITS[digit] + name
        pending = bool(text) and (pending or digit == 0) and not digit
    return text[1:] if text.startswith("一十") else text


def _round(dice: random.Random) -> int:
    figure = dice.choice((1, 1, 2, 3, 5, 5, 6, 8, 10, 12, 15, 20, 25, 30, 36, 50, 80))
    return figure * dice.choice((1, 10, 100, 100, 1000, 1000, 10_000, 10_000))


def _amount(dice: random.Random, language: Language) -> str:
    number = _round(dice) if dice.random() < 0.75 else dice.randint(1, 99_999)
    if language == "en":
        forms = [
            str(number),
            f"{number:,}",
            f"{number}.{dice.randint(0, 99):02d}",
            f"${number:,}",
            f"¥{number}",
            f"€{number}",
        ]
        if number >= 1000 and number % 100 == 0:
            forms += [f"{number / 1000:g}k", f"{number / 1000:g} thousand"]
        forms += ["five hundred", "a thousand", "two thousand", "eight hundred", "fifty", "ten thousand"]
        return dice.choice(forms)
    unit = dice.choice(("", "", "元", "块", "块钱", "元钱"))
    forms = [f"{number}{unit}", f"{chinese_number(number)}{unit}", f"{number}{unit}", f"{number:,}{unit}"]
    if number >= 1000 and number % 100 == 0:
        forms += [
            f"{number / 10_000:g}万{unit}",
            f"{number / 1000:g}千{unit}",
            f"{number / 1000:g}k",
            f"{number / 10_000:g}w",
        ]
    if number % 1000 == 0 and 10 < number // 1000 < 100 and number // 1000 % 10:
        tens, ones = divmod(number // 1000, 10)
        forms += [f"{_DIGITS[tens]}万{_DIGITS[ones]}", f"{tens}万{ones}"]
    forms += [
        f"{dice.randint(1, 9999)}.{dice.randint(0, 99):02d}{unit}",
        f"{dice.randint(1, 99)}块{dice.randint(1, 9)}",
    ]
    return dice.choice(_VAGUE if dice.random() < 0.05 else (*forms, "两千", "两万", "两百块"))


def _date(dice: random.Random, language: Language) -> str:
    month, day = dice.randint(1, 12), dice.randint(1, 28)
    if language == "en":
        names = (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "Nov",
            "Dec",
        )
        week = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
        forms: tuple[str, ...] = (
            "today", "yesterday", "tomorrow", "last night", "this morning", f"{names[month - 1]} {day}", f"last {dice.choice(week)}",
            f"next {dice.choice(week)}", f"the {day}th", f"on {dice.choice(week)}"[3:], f"{month}/{day}", f"{names[month - 1]} {day}th",
        )  # fmt: skip
        return dice.choice(forms)
    forms = (
        "今天", "昨天", "明天", "前天", "后天", "大后天", "昨晚", "今早", "今天上午", "刚才", "月底", "月初", "春节", "国庆", "周末", "过年",
        f"{month}月{day}号", f"{month}月{day}日", f"{chinese_number(month)}月{chinese_number(day)}号", f"{day}号", f"{month}.{day}",
        f"{month}/{day}", f"2026年{month}月{day}日", f"下周{dice.choice('一二三四五六日')}", f"上周{dice.choice('一二三四五六日')}",
        f"星期{dice.choice('一二三四五六天')}", f"周{dice.choice('一二三四五六日')}", f"每月{day}号", f"2026-{month:02d}-{day:02d}", f"{month}月{day}",
    )  # fmt: skip
    return dice.choice(forms)


def _period(dice: random.Random, language: Language) -> str:
    number = dice.choice((2, 3, 3, 6, 7, 10, 12, 30))
    if language == "en":
        forms: tuple[str, ...] = (
            "this month", "last month", "last year", "this year", "last week", "the last three days", f"the past {number} days",
            f"the last {number} months", "October", "September", "this quarter", "the current cycle", "next month",
        )  # fmt: skip
        return dice.choice(forms)
    forms = (
        "这个月", "上个月", "本月", "本期", "上期", "下期", "这期", "当期", "下个月", "去年", "今年", "近半年", "最近一周", "上半年", "上季度",
        f"最近{number}天", f"近{number}个月", f"{chinese_number(number)}个月内", f"{dice.randint(1, 12)}月", f"{dice.randint(1, 12)}月份",
        f"{chinese_number(dice.randint(1, 12))}月份", "最近三天", "近一年", f"去年{dice.randint(1, 12)}月", f"过去{number}个月",
    )  # fmt: skip
    return dice.choice(forms)


def _term(dice: random.Random, language: Language) -> str:
    number = dice.choice((1, 2, 3, 6, 9, 12, 18, 24, 36))
    if language == "en":
        forms: tuple[str, ...] = (
            f"{number} months",
            "a year",
            "half a year",
            "one year",
            "two years",
            "90 days",
            f"{number} instalments",
            f"{number}-month",
            "3 years",
        )
        return dice.choice(forms)
    forms = (
        f"{number}期", f"{chinese_number(number)}期", f"{number}个月", f"{chinese_number(number)}个月", "一年", "半年", "三年", "两年", "1年",
        f"{dice.choice((7, 14, 30, 34, 60, 90, 180, 360))}天", "一年期", "三个月", "一个星期", "7天", f"{dice.choice((2, 3, 5))}年期",
    )  # fmt: skip
    return dice.choice(forms)


def _product(dice: random.Random, language: Language) -> str:
    return dice.choice(_PRODUCTS[language]).format(
        a=dice.choice(_A), b=dice.choice(_B), e=dice.choice(_E), f=dice.choice(_F), n=dice.choice((1, 2, 3, 7, 21, 30, 60, 90, 360)),
        code=f"{dice.randint(1, 999_999):06d}",
    )  # fmt: skip


def _tail(dice: random.Random, language: Language) -> str:
    return f"{dice.randint(0, 9999):04d}"


def _phone(dice: random.Random, language: Language) -> str:
    return f"1{dice.choice('35789')}{dice.randint(0, 999_999_999):09d}"


def _of(words: dict[Language, tuple[str, ...]]) -> Callable[[random.Random, Language], str]:
    return lambda dice, language: dice.choice(words[language])


GENERATORS: dict[str, Callable[[random.Random, Language], str]] = {
    "card_tail": _tail,
    "amount": _amount,
    "currency": _of(_CURRENCIES),
    "currency_from": _of(_CURRENCIES),
    "term": _term,
    "date": _date,
    "period": _period,
    "product_name": _product,
    "card_product": _of(_CARDS),
    "merchant": _of(_MERCHANTS),
    "country": _of(_COUNTRIES),
    "city": _of(_PLACES),
    "bank": _of(_BANKS),
    "phone": _phone,
}
"""Slot → ``(dice, language) -> words``. Enum slots are varied by the lexicon instead, within one value."""
