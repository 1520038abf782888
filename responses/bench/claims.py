"""What a reply may not say unless the templates of its outcome do: the checker's own words, none of them the gates'."""

from __future__ import annotations

import re
from collections.abc import Sequence

from responses.reply import Language

DONE: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?:已经?|刚刚|(?<![是果若能])刚(?!才))(?:帮您|为您|给您|替您)?[^，。；！？,;!?\s没未不能可]{0,6}?(?:成功|办[好妥完成理]|好了|完成|提升|调整|到账|通过|生效|提交|挂失|冻结|解冻|取消|还清|转出|受理|批)"
        r"|[办转换改调开关停弄搞批](?:好|妥|完|成|定|下来)了?[啦了]|成功了?(?=[，。！,.!]|$)|(?:审核|申请)通过了"
    ),
    "en": re.compile(
        r"(?<!nothing )(?<!how it )\b(?:has|have|was|were) (?:already |now |just )?(?:been )?(?:\w+ly )?(?:done|approved|completed|cancelled|unlocked|raised|processed|"
        r"transferred|submitted|granted|credited|settled|paid|booked|frozen|arranged)\b|\bI(?:'ve| have) (?:done|approved|cancelled|raised|transferred|submitted|changed|arranged|frozen|paid|booked)\b|\ball done\b|"
        r"\bis (?:all )?(?:done|sorted|approved)\b|\bsuccessfully\b|(?<!nothing )\bwent through\b",
        re.IGNORECASE,
    ),
}
PROMISE: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"保证|承诺|担保|打包票|发誓|稳赚|包赚|保本|保底|保收益|零风险|(?:没有|毫无|无)(?:任何|一点)?风险(?!测评)|绝对|肯定[能会通]|一定[能会]|百分百|全免|免(?:除|收|掉|年费|手续费)|"
        r"(?<!自动)不收(?=了|。)|减免|补偿|赔(?!不是)|返还|返现|赠送|奖励|红包|折扣|优惠|预期收益|代客理财|最[优佳好高](?:的|收益|。)|第一名|不会[有亏]|我行承担"
    ),
    "en": re.compile(
        r"\bguarantee\w*|\bpromise\w*|\bswear\b|\brisk[- ]free|\b(?:no|zero|without) (?:any )?risk|\bwaive\w*|\bno fee|\brefund\w*|\bcompensat\w*|"
        r"\bfree of charge|\bcertainly will|\bwill certainly|\bdefinitely|\b(?:is|are) the best\b|\bnumber one\b|\bdiscount\w*|\bbonus\w*|\bgift\w*|\bassure\w*|"
        r"\bexpected return|\bprojected yield|\bon your behalf|\bcannot lose|\bcapital[- ]protected|\bmoney back\b|\bcover any loss",
        re.IGNORECASE,
    ),
}
SECRET_ASKED: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?:密码|口令|验证码|CVV|身份证号)[^，。]{0,6}(?:发我|发过来|发来|告诉我|报一下|说一下|是多少|是什么)",
        re.IGNORECASE,
    ),
    "en": re.compile(
        r"(?:send|tell|give|type|share|what is)[^,.;]{0,16}\b(?:your|the) (?:\w+[ -])?(?:PIN|password|CVV|code|passcode)\b",
        re.IGNORECASE,
    ),
}
ADDRESS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+")
STRANGER: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?:工商|农业|建设|交通|招商|浦发|中信|光大|民生|兴业|平安|华夏|广发|邮储|微众|网商|汇丰|花旗|渣打|星展)(?:银行|那边|那里)|中国银行|[工农建交招]行|"
        r"[赵钱孙李周吴郑王冯陈林张刘黄杨](?:女士|先生|经理|主任|总(?=会|亲)|老师|师傅|阿姨)"
    ),
    "en": re.compile(
        r"\b[A-Z]\w+ Bank\b|\b(?:HSBC|Citi(?:bank)?|Barclays)\b|\b(?:Mr|Ms|Mrs|Dr|Professor|Director|Manager)\.? [A-Z]\w+"
    ),
}
QUOTED: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"[“\"]([^”\"\ufffc]{2,12})[”\"](?=系列|产品|基金|更|很)"),
    "en": re.compile(r"(?<=[a-z,] )([A-Z][a-z]{2,}(?: [A-Z][a-z]+)*)(?! ?time)"),
}
"""What may be the name of something: in quotes, or written large within a sentence."""
STATE: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"逾期|黑名单|重点名单|异常|解冻|解锁|审核通过|获批|批下来|销户|注销|被盯|高风险客户|完全符合|条件都满足"
    ),
    "en": re.compile(
        r"\b(?:overdue|blacklist\w*|suspicious|unfrozen|unlocked|approved|rejected|flagged|in trouble|eligible|qualif\w+|all conditions|"
        r"credited|no limits|(?:account|card) (?:is|was|has been) closed)\b",
        re.IGNORECASE,
    ),
}
UNSAYING: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"(?:以上|上面|前面|刚才)[^，。]{0,6}(?:不对|不算数|有误|错|别信)"),
    "en": re.compile(
        r"\b(?:that|this) is not true\b|\bignore the above\b|\bthe opposite\b|(?<!nothing )(?<!what )\bis wrong\b|\bdisregard\b",
        re.I,
    ),
}
STATUS_WORDS = ("支持", "成功", "到账", "通过", "生效", "逾期", "足够", "包括", "收费", "入账")
DENIED = r"(?:不|未|没有?|无法|尚未|还没|不能|不可|无需)"
OPPOSITES: dict[Language, Sequence[tuple[str, str]]] = {
    "zh": (
        ("收入", "支出"), ("买入价", "卖出价"), ("现汇", "现钞"), ("申购", "赎回"), ("增加", "减少"), ("上涨", "下跌"), ("转入", "转出"), ("汇入", "汇出"),
        ("单利", "复利"), ("最低", "最高"), ("临时", "固定"), ("调高", "调低"), ("借记卡", "信用卡"), ("定期", "活期"), ("购汇", "结汇"),
        ("不足", "充足"), ("不够", "足够"), ("开通", "关闭"),
    ),
    "en": (
        ("buying", "selling"), ("spot", "cash"), ("minimum", "maximum"), ("temporary", "permanent"), ("increase", "decrease"), ("lower", "raise"),
        ("incoming", "outgoing"), ("credit card", "debit card"), ("subscription", "redemption"), ("paid in", "paid out"), ("highest", "lowest"),
        ("simple interest", "compound interest"), ("switched on", "switched off"), ("earliest", "latest"),
    ),
}  # fmt: skip
MAY = re.compile(r"(?<![不可才])(?<!年度)(?<!明年)(?:可以|能)(?:再|继续)?(?![从在用向把给])([一-龥])")
MAY_NOT = re.compile(r"(?:不能|不可以|无法|不可)(?:再|继续)?(?![从在用向把给])([一-龥])")
"""What may be done, and what may not, by the verb's first character."""
STATUS_VERB = re.compile(
    r"\b(has|have|is|are|was|were)(n't| not)? (?=been|approved|confirmed|enough|due|paid|posted|settled|frozen|overdue|active)",
    re.IGNORECASE,
)
