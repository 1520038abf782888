"""Words that hold a number or a measure and say none: 一下, 统一, 万一, 千万别, 第一时间, 存折, two-step.

A longer figure wins over a word that begins at the same place (一万一千元 over 万一, 十分钟 over 十分).
"""

from __future__ import annotations

import re

_CHINESE = """
一下 一下子 一起 一些 一定 一直 一样 一般 一共 一并 一旦 一致 一律 一概 一切 一同 一向 一经 一键 一边 一方面 一旁 一早 一时 一会
一会儿 一点 一点点 一点儿 一味 一再 一句 一声 一步 一步步 一一 一体 一体化 一站式 一次性 一卡通 一网通 一带 一线 一手 一号线 一类 一流
一如既往 一目了然 一清二楚 一应俱全 一对一 一本通 一户通 一元化 一分为二 一刀切 一块儿 一块 一万个放心 一百个放心 一日三餐 一心 一心一意
一五一十 一五 一来 一来一回 一路 一路平安 一帆风顺 一生 一家人 一家 一年一度 一周一次 一站 一度 一代 一等 一级 一旬 一众 一番 一趟 一遍 一则
一瞬间 一刻 一阵 一贯 一举 一面 一半 一端 一侧 一行 一员 一项 一份 一种 一位 一名 一人 一件 一条 一款 一张 一笔 一个 一只 一次 一家子
统一 唯一 单一 同一 万一 逐一 之一 其一 不一 合一 归一 专一 任一 任意一 某一 每一 哪一 那一 这一 另一 上一 下一 新一 第一时间 第一手 第一
第三方 第三人 第二天 第三者 独一无二 说一不二 不一定 不一样 不一致 五一 六一 七一 八一 十一黄金周 十一假期 十一期间 十一长假 十一国庆
双十一 双十二 双一流 双11 双12 五四 十三五 十四五 十五五 二十大 三八 三八节 六一八 二维码 二手 二手房 二类 二类户 二类卡 二次 二次元 二者 二选一 二合一 二胎 三方 三方存管
三类户 三类卡 三类 一类户 一类卡 三农 三者 三五 三包 三思 三缺一 三三两两 四处 四周 四季 四面八方 四舍五入 四川 五险一金 五险 五官 五金 五星
五星级 六安 六神无主 七夕 七嘴八舌 七上八下 七七八八 八成新 八达岭 八方 八卦 九江 九寨沟 九州 九九 十分 十足 十全十美 十字 十堰 十拿九稳
百分点 百姓 百度 百货 百科 百事 百忙 百忙之中 百般 百年 百利 百家 百业 百倍 百万医疗 百万医疗险 千万 千万别 千万不要 千万不 千万要 千万勿
千万注意 千万小心 千万记得 千里 千岛湖 千家万户 千方百计 千篇一律 千差万别 千变万化 千禧 千金 千真万确 千辛万苦 成千上万 万分 万万 万万不可 万能 万达 万事
万事达 万事如意 万事顺遂 万里 万里通 万无一失 万物 万家 万科 万象 万用 万元户 万千 千百 万众 亿万 亿联 两边 两者 两地 两全 两全其美 两旁 两难 两侧 两岸
两手 两端 两清 两面 两类 陆续 陆家嘴 陆金所 大陆 登陆 队伍 放肆 收拾 星期一 星期二 星期三 星期四 星期五 星期六 礼拜一 礼拜二 礼拜三 礼拜四 礼拜五 礼拜六
周一 周二 周三 周四 周五 周六 初一 初二 初三 零钱 零售 零用 零花 零散 零头 零碎 零点 零星 零存整取 零距离 半夜 半径 半数 半价 半途 上半年 下半年
上半月 下半月 大半 大半年 小半 多半 过半 前半 后半 半成品 美好的一天 愉快的一天 开心的一天 每一天 新的一天
美好的一年 新的一年 有一天 百尺竿头 三亚 三明 三峡 三门峡 四平 二连浩特 八宝 九龙 七天无理由 元旦 元宵 元宝 元素 单元 状元
""".split()  # noqa: SIM905
_ENGLISH = """
one-time|one-off|one-stop|one-click|one-tap|one-on-one|one by one|one of|one more|one another|one moment|no one|
the one|this one|that one|each one|any one|another one|which one|one or more|one and the same|at one go|day one|
two-factor|two-step|two-way|two-sided|three-way|third-party|zero-risk|zero in|one and only|one day
""".replace("\n", "")
_NUMERALS = "一二两三四五六七八九十百千万亿"
# 那一百元 is a hundred yuan, not 那一.
_NOT_GOING_ON = "(?![十百千万亿])"


def _pattern() -> re.Pattern[str]:
    words = "|".join(word + _NOT_GOING_ON * (word[-1] in _NUMERALS) for word in sorted(_CHINESE, key=len, reverse=True))
    phrases = "|".join(sorted(map(re.escape, _ENGLISH.split("|")), key=len, reverse=True))
    return re.compile(rf"(?:{words})|(?<![a-z0-9])(?:{phrases})(?![a-z0-9])")


HARMLESS = _pattern()
"""The longest harmless word that begins at a place of folded text."""
_FIRST = frozenset(word[0] for word in (*_CHINESE, *_ENGLISH.split("|")))


def harmless_at(text: str, place: int) -> re.Match[str] | None:
    """The longest harmless word that begins at *place* of folded *text*."""
    return HARMLESS.match(text, place) if text[place] in _FIRST else None
