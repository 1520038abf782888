"""What counts as a slot's words: the fine print of the catalogue's slots, applied alike to training rows and to answers.

A bank's name is the slot ``bank`` only where it stands for the other side of a transfer or a comparison, not where a
customer puts it before a question. A channel is the way something is done, not the thing asked about. A product
category is 理财, not 理财产品; social insurance is no product. The same words are marked once a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from intents.tagging import Span

_NEAR = 8
"""Characters looked at on either side of a span."""

_TOWARDS = re.compile(
    r"(?:转账?|转入|转出|转到|转给|转进|汇到|汇给|汇款|到|往|从|给|跟|和|与|比|跨行|绑定?|还|换成?|在|他行|其他|其它|别的|\bto|\bfrom|\bwith|\bat|\bthan|\bvs\.?|\bmy|\bof|\ban?)\s*$",
    re.IGNORECASE,
)
_FROM_THERE = re.compile(r"^(?:的|那边|这边)?(?:[银行卡]{0,2})(?:转|汇|打款|打钱|换了)")
_OPENED = re.compile(
    r"(?:开通|注册|激活|登[录陆]|下载|更新|解锁|注销|关闭|取消|解绑|开|预留|版本的?|\bactivate|\bregister for|\bopen|\bset up|\blog ?in to|\binstall|\bdownload)(?:了|个|一下|的| the| my)?(?:个人|企业|.{2}银行|.行)?\s*$",
    re.IGNORECASE,
)
_IS_THE_MATTER = re.compile(
    r"^(?:APP|app|软件)?(?:怎么|怎样|如何|咋|可以|能)?(?:开通|注册|激活|登[录陆]|下载|更新|升级|密码|版本|验证码|闪退|打不开|崩|报错|系统|用户|号|群|红包|被盗|里?的?积分|[“\"]|之前|是否)"
)
_SOCIAL = re.compile(r"(?:医疗|失业|社会|生育|工伤|养老|城镇居民|居民)$")
_NOT_A_PRODUCT = re.compile(r"^(?:账户|管理有限公司|公司|条例|色|周|剧场|海岸|比例|证)")
_PRODUCT = re.compile(r"(?:产品| ?products?)$")


def tidied(text: str, spans: Sequence[Span]) -> list[Span]:
    """*spans* of *text* as the catalogue means them, in order."""
    kept: list[Span] = []
    said: set[tuple[str, str]] = set()
    for start, end, slot in sorted(spans):
        before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
        if slot == "bank" and not (_TOWARDS.search(before) or _FROM_THERE.match(after)):
            continue
        if slot == "channel" and (_OPENED.search(before) or _IS_THE_MATTER.match(after)):
            continue
        if slot == "product_type":
            if _SOCIAL.search(before) or _NOT_A_PRODUCT.match(after):
                continue
            whole = _PRODUCT.sub("", text[start:end])
            end = start + len(whole) if whole else end
        if (slot, text[start:end]) in said:
            continue
        said.add((slot, text[start:end]))
        kept.append((start, end, slot))
    return kept
