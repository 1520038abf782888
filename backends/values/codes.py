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
    "demand": ("活期存款", "demand deposit"),
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
    # what moved on an account, and which way
    "salary": ("工资", "salary"),
    "retirement": ("养老金", "pension"),
    "interest": ("利息", "interest"),
    "transfer": ("转账", "transfer"),
    "payment": ("消费", "payment"),
    "withdrawal": ("取现", "cash withdrawal"),
    "direct_debit": ("代扣", "direct debit"),
    "refund": ("退款", "refund"),
    "reimbursement": ("报销", "expense claim"),
    "exchange": ("外汇买卖", "currency exchange"),
    "money_in": ("收入", "in"),
    "money_out": ("支出", "out"),
    # which way a transfer goes, how far it is, and why one came back
    "outgoing": ("转出", "outgoing"),
    "incoming": ("转入", "incoming"),
    "processing": ("处理中", "processing"),
    "arrived": ("已到账", "arrived"),
    "returned": ("已退回", "returned"),
    "name_mismatch": ("收款人户名与账号不符", "the name and the account number do not match"),
    "account_closed": ("收款账户已销户", "the receiving account is closed"),
    # how far a transfer abroad or from abroad is
    "remit_out": ("汇出", "outgoing"),
    "remit_in": ("汇入", "incoming"),
    "remit_accepted": ("我行已受理", "accepted by us"),
    "remit_checked": ("审核通过", "checks passed"),
    "remit_sent": ("已发往境外", "sent abroad"),
    "remit_passed_on": ("中间行已转出", "passed on by the intermediary bank"),
    "remit_credited": ("收款行已入账", "credited by the receiving bank"),
    "remit_came_back": ("收款行退汇", "sent back by the receiving bank"),
    "remit_refunded": ("退汇款已回到您的账户", "back on your account"),
    "remit_received": ("我行已收到", "received by us"),
    "remit_held": ("待补充材料", "waiting for documents"),
    "remit_entered": ("已入您的账户", "credited to your account"),
    # which way an exchange rate went
    "rose": ("上涨", "up"),
    "fell": ("下跌", "down"),
    "unchanged": ("持平", "unchanged"),
    # how far a reservation of foreign banknotes is
    "notes_ordered": ("备钞中", "being prepared"),
    "notes_ready": ("可以取钞", "ready to collect"),
    "notes_cancelled": ("已取消", "cancelled"),
    "notes_lapsed": ("已失效", "lapsed"),
    # how much of a holding is redeemed
    "full": ("全部", "all"),
    "partial": ("部分", "part"),
    # limits
    "temporary": ("临时", "temporary"),
    "permanent": ("固定", "permanent"),
    "limit_in_review": ("审核中", "under review"),
    "limit_effective": ("已生效", "in effect"),
    "limit_refused": ("未获批准", "not approved"),
    "limit_ended": ("已到期恢复", "ended on its last day"),
    # how much of a card's statement is paid, and what is done to autopay
    "pay_full": ("全额", "the full amount"),
    "pay_minimum": ("最低还款额", "the minimum payment"),
    "switch_on": ("开通", "switch on"),
    "switch_over": ("变更", "change"),
    "switch_off": ("关闭", "switch off"),
    "autopay_on": ("已开通", "on"),
    "autopay_off": ("已关闭", "off"),
    "debit_full": ("足额扣款", "taken in full"),
    "debit_short": ("账户余额不足", "too little in the account"),
    "debit_none": ("您已提前还上，无需扣款", "already paid by you, nothing to take"),
    # kinds of loan
    "mortgage": ("住房贷款", "mortgage"),
    "car": ("汽车贷款", "car loan"),
    "consumer": ("消费贷款", "consumer loan"),
    "business": ("经营贷款", "business loan"),
    # how an application for a loan stands, and how a loan is repaid
    "received": ("已收到", "received"),
    "in_review": ("审核中", "under review"),
    "verifying": ("电话核实中", "awaiting the verification call"),
    "approved": ("审批通过", "approved"),
    "disbursed": ("已放款", "paid out"),
    "refused": ("未通过", "not approved"),
    "equal_instalment": ("等额本息", "equal instalments"),
    "equal_principal": ("等额本金", "equal principal"),
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
