"""How the shared codes of the catalogue are worded, so that every reply words them alike.

A word may serve two vocabularies (``gold`` is a metal and a tier, 黄金 is both); no code has two wordings.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    # kinds of card
    "credit": ("信用卡", "credit card"),
    "debit": ("借记卡", "debit card"),
    # kinds of product
    "wealth": ("理财产品", "wealth management product"),
    "fund": ("基金", "fund"),
    "deposit": ("定期存款", "time deposit"),
    "large_cd": ("大额存单", "large-denomination certificate of deposit"),
    "notice_deposit": ("通知存款", "notice deposit"),
    "structured": ("结构性存款", "structured deposit"),
    "insurance": ("保险", "insurance"),
    "gold": ("黄金", "gold"),
    "bond": ("债券", "bond"),
    "pension": ("个人养老金产品", "personal pension product"),
    # the risk of a product (five levels of the wealth-management rules), and of a customer
    "R1": ("R1（低风险）", "R1 (low risk)"),
    "R2": ("R2（中低风险）", "R2 (medium-low risk)"),
    "R3": ("R3（中风险）", "R3 (medium risk)"),
    "R4": ("R4（中高风险）", "R4 (medium-high risk)"),
    "R5": ("R5（高风险）", "R5 (high risk)"),
    "C1": ("C1（谨慎型）", "C1 (cautious)"),
    "C2": ("C2（稳健型）", "C2 (conservative)"),
    "C3": ("C3（平衡型）", "C3 (balanced)"),
    "C4": ("C4（进取型）", "C4 (growth)"),
    "C5": ("C5（激进型）", "C5 (aggressive)"),
    # what foreign currency is bought or remitted for
    "travel": ("旅游", "travel"),
    "study": ("留学", "study abroad"),
    "medical": ("就医", "medical treatment"),
    "family": ("探亲", "visiting family"),
    "trade": ("货物贸易", "trade in goods"),
    "other": ("其他", "other"),
    # which of the bank's prices an exchange used
    "buy": ("现汇买入价", "spot buying rate"),
    "sell": ("现汇卖出价", "spot selling rate"),
    "cross": ("套算汇率", "cross rate"),
    # tiers of customers
    "standard": ("普通", "standard"),
    "platinum": ("白金", "platinum"),
    "private": ("私人银行", "private banking"),
    # whether a card transaction is on the books, and whether a holding or an order is confirmed
    "posted": ("已入账", "posted"),
    "unposted": ("未入账", "not posted yet"),
    "confirmed": ("已确认", "confirmed"),
    "awaiting": ("待确认", "awaiting confirmation"),
    "matured": ("已到期", "matured"),
    # how much of a holding is redeemed
    "full": ("全部", "all"),
    "partial": ("部分", "part"),
    # limits
    "temporary": ("临时", "temporary"),
    "permanent": ("固定", "permanent"),
    # kinds of loan
    "mortgage": ("住房贷款", "mortgage"),
    "car": ("汽车贷款", "car loan"),
    "consumer": ("消费贷款", "consumer loan"),
    "business": ("经营贷款", "business loan"),
    # where things are done
    "app": ("手机银行", "mobile app"),
    "counter": ("柜台", "branch counter"),
    "atm": ("自助机", "ATM"),
    "wechat": ("微信", "WeChat"),
    "alipay": ("支付宝", "Alipay"),
    "phone": ("电话银行", "telephone banking"),
    "website": ("网上银行", "online banking"),
    # languages
    "zh": ("中文", "Chinese"),
    "en": ("英文", "English"),
}
"""Code → its Chinese and its English wording."""
