"""Cards of every kind as the server sends them, for the widget to draw."""

from __future__ import annotations

from typing import Any

SOURCES = [{"source": "fx", "as_of": "2026-11-21T02:30:00Z"}]


def item(name: str, label: str, text: str, value: str, kind: str = "money") -> dict[str, str]:
    return {"name": name, "label": label, "text": text, "value": value, "kind": kind}


def cell(text: str) -> dict[str, str]:
    return {"text": text, "value": text}


def card(kind: str, title: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "data": {"title": title, "sources": SOURCES, **data}}


USED, LIMIT = item("used", "已用", "20.00元", "20.00"), item("credit_limit", "额度", "80.00元", "80.00")
PRODUCT = {
    "name": "云杉稳盈春晓",
    "items": [item("risk_level", "风险等级", "R2", "R2", "enum"), item("value", "市值", "30.00元", "30.00")],
}
OTHER = {
    "name": "云杉稳盈秋实",
    "items": [item("risk_level", "风险等级", "R3", "R3", "enum"), item("value", "市值", "10.00元", "10.00")],
}
POINTS = [["2026-11-16", "7.01"], ["2026-11-17", "7.05"], ["2026-11-18", "6.98"], ["2026-11-19", "7.02"]]
CONFIRM = card(
    "confirm",
    "请您核对",
    items=[item("cost", "需支付", "3,531.05元", "3531.05")],
    expires_at="2026-11-21T02:33:00Z",
    buttons=[{"title": "确认", "payload": "确认"}, {"title": "取消", "payload": "取消"}],
)
CODE = {"kind": "code", "data": {"length": 6, "phone_tail": "6721"}}
CARDS = {
    "kv": card("kv", "信用卡额度", items=[USED], meters=[{"part": USED, "whole": LIMIT}]),
    "table": card(
        "table",
        "外汇牌价",
        columns=[{"name": "currency", "label": "币种", "kind": "currency"}, {"name": "spot_buy", "label": "现汇买入", "kind": "rate"}],
        rows=[[cell("美元"), cell("703.66")], [cell("欧元"), None]],
        items=[],
    ),
    "bill_breakdown": card(
        "bill_breakdown", "信用卡账单", whole=item("statement_balance", "账单金额", "100.00元", "100.00"),
        parts=[item("paid", "已还", "40.00元", "40.00"), item("remaining_due", "还需还", "60.00元", "60.00")], items=[USED],
    ),
    "compare": card("compare", "产品对比", things=[PRODUCT, OTHER]),
    "product": card("product", "适合您的产品", things=[PRODUCT, OTHER]),
    "holdings": card("holdings", "我的理财", things=[PRODUCT, OTHER], items=[item("total_value", "合计市值", "40.00元", "40.00")]),
    "rate_chart": card("rate_chart", "汇率走势", points=POINTS, name="美元", currency="USD", unit=100, items=[]),
    "nav_chart": card(
        "nav_chart", "净值走势", points=POINTS, name="云杉悦享增利", note="历史净值不代表未来表现。",
        drawdown={"percent": "0.99", "from": "2026-11-17", "to": "2026-11-18"},
    ),
    "plan": card(
        "plan", "还款计划", items=[],
        payments=[{"on": f"2027-{month:02d}-28", "amount": "550.10", "text": "550.10元"} for month in (1, 2, 3)],
    ),
    "confirm": CONFIRM,
    "code": CODE,
}  # fmt: skip
