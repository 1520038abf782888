"""Where a customer's words name a person: after a word that leads up to a name, or before a title.

A name has no form of its own, so this is a net and not a proof: whoever knows a customer's or a payee's name hands it to
``mask_words`` besides. It would rather hide a word too many, because nothing rests on what it hides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# The hundred most frequent surnames of the 2020 census (公安部《2020年全国姓名报告》) and those of two characters.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方"
    "邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤俞温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦"
    "柳左甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄"
    "窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_COMPOUND = "欧阳|上官|司马|诸葛|司徒|东方|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|端木|南宫|独孤"
_SURNAME = f"(?:{_COMPOUND}|[{_SURNAMES}])"
_GIVEN = r"[\u4e00-\u9fff]"
_CUE = (
    r"(?:我叫|我是|我姓|本人|姓名|名字|户名|收款人|持卡人|付款人|联系人|受益人|被保险人|叫做|名叫|转给|汇给|打给|付给|还给|转账给|汇款给"
    r"|给|替|帮|跟|和|与|找|叫|姓)[是为叫:：， ]{0,2}"
)
_AFTER_CUE = re.compile(rf"{_CUE}(?P<name>[老小]{_SURNAME}|{_SURNAME}{_GIVEN}{{1,2}})")
_BEFORE_TITLE = re.compile(
    rf"(?P<name>{_SURNAME}{_GIVEN}{{0,2}}?)(?=先生|女士|小姐|老师|经理|主任|阿姨|叔叔|太太|师傅|医生|律师|总(?![是共额结量]))"
)
_NO_PART = frozenset(
    "的地得了是在和跟与同说要想被把有没吗呢吧啊呀嘛也都就不先再这那一还转汇打付存取买卖换查看问，。！？,.!? "
)
"""What a given name does not hold, so that it ends before: 给张三转 names 张三."""
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    余额 余下 高中 高级 高额 安全 安排 金额 金融 金卡 方便 方式 方法 万一 万元 白金 白天 钱包 时间 时候 成功 平时 江苏 常用 毛病 马上 于是 关于 应该 全部 全额
    单位 单笔 包括 明天 明年 何时 任何 任意 严重 解决 解绑 管理 路上 文件 文字 边上 师傅 连接 连续 景点 商户 商家 游客 向您 向你 华为 米面 冷静 古代 房贷 房子
    车贷 车险 农行 农村 左右 宁可 尚未 关闭 阳光 和您 查询 查一 查下 查账 申请 申购 简单 康复 温馨 常见 易方 武汉 石家 黄金 广发 汤圆 沙发 党员 席位 党组 宗旨
    荣誉 荣耀 项目 费用 费率 池子 麻烦 迟到 迟了 卫生 应急 应还 全国 华夏 龙卡 程序 曾经 程度 顾客 向来
        """,
    )
)
"""Words that begin as a name does."""
_ENGLISH = re.compile(
    r"(?:(?i:my name is|name's|i am|i'm|this is|name:?|account holder|payee|beneficiary|mr\.?|mrs\.?|ms\.?|miss|dr\.?|to|for|from|with)) +"
    r"(?P<name>[A-Z][a-z]{1,20}(?:[ '-][A-Z][a-z]{1,20}){0,2})"
)


def find_names(text: str) -> Iterator[tuple[int, int]]:
    """The places (code points) of *text* that name a person, in no order; some may overlap. Linear in its length."""
    for match in _AFTER_CUE.finditer(text):
        name = match["name"]
        if name[:2] in _WORDS:
            continue
        end = next((place for place, char in enumerate(name) if char in _NO_PART), len(name))
        if end > 1:
            yield match.start("name"), match.start("name") + end
    for pattern in (_BEFORE_TITLE, _ENGLISH):
        for match in pattern.finditer(text):
            if match["name"][:2] not in _WORDS:
                yield match.span("name")
