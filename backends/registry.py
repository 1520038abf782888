"""Every action of the bank, said out loud: nothing is registered by being imported."""

from __future__ import annotations

from typing import Any

from backends.account.actions import AccountBalance, AccountTransactions, CustomerProfile, TransferStatus
from backends.action import BankAction, BankWrite
from backends.card.actions import CardBill, CardLimit, CardReportLost, CardTransactions
from backends.card.applications import CardApplicationStatus
from backends.card.autopay import Autopay
from backends.card.declines import CardDeclined
from backends.card.dispute import CardDispute
from backends.card.fees import CardAnnualFee
from backends.card.installments import CardInstallment
from backends.card.limit_change import CardLimitChange
from backends.card.points import CardPoints
from backends.card.repay import CardRepay
from backends.card.replace import CardReplace
from backends.fx.actions import FxBuy, FxQuota, FxQuote, FxRate
from backends.fx.banknotes import FxCash
from backends.fx.remit import RemitStatus
from backends.fx.sell import FxSell
from backends.knowledge.actions import Knowledge
from backends.knowledge.service import Library
from backends.loan.actions import LoanRepay, LoanStatus
from backends.pension.actions import Pension
from backends.service.actions import Branch, Complaint
from backends.wealth.actions import RiskAssessment, WealthHoldings, WealthProduct, WealthRecommend
from backends.wealth.compare import WealthCompare
from backends.wealth.deposits import DepositRate
from backends.wealth.gold import Gold
from backends.wealth.orders import WealthBuy, WealthRedeem

AnyAction = BankAction[Any] | BankWrite[Any, Any]

KNOWLEDGE = (
    "overdue", "card_activate", "card_apply", "card_cancel", "card_pin", "card_cash_advance", "card_overseas", "card_bind",
    "benefits", "account_manage", "cash_service", "account_profile", "bill_payment", "transfer_rules", "online_banking",
    "remit_abroad", "deposit_manage", "insurance", "securities", "social_insurance", "loan_apply", "credit_report",
    "proof_document", "fee_query", "knowledge",
)  # fmt: skip
"""What is answered from the bank's written knowledge; ``knowledge`` itself is asked about any capability."""

ACTIONS: tuple[AnyAction, ...] = (
    CardBill(),
    CardLimit(),
    CardTransactions(),
    CardReportLost(),
    CardInstallment(),
    CardRepay(),
    Autopay(),
    CardLimitChange(),
    CardPoints(),
    CardAnnualFee(),
    CardApplicationStatus(),
    CardDeclined(),
    CardReplace(),
    CardDispute(),
    FxRate(),
    FxQuote(),
    FxQuota(),
    FxBuy(),
    FxSell(),
    RemitStatus(),
    FxCash(),
    WealthProduct(),
    Pension(),
    WealthRecommend(),
    WealthCompare(),
    DepositRate(),
    Gold(),
    WealthHoldings(),
    WealthBuy(),
    WealthRedeem(),
    RiskAssessment(),
    LoanStatus(),
    LoanRepay(),
    Branch(),
    Complaint(),
    AccountBalance(),
    AccountTransactions(),
    TransferStatus(),
    CustomerProfile(),
    *(Knowledge(name) for name in KNOWLEDGE),
)

BY_NAME: dict[str, AnyAction] = {action.name: action for action in ACTIONS}
"""A capability's stem → the action that serves it."""


def searching(library: Library) -> dict[str, AnyAction]:
    """Every action by name, those of knowledge over *library* rather than over the bank's own by letters alone."""
    return {**BY_NAME, **{name: Knowledge(name, lambda: library) for name in KNOWLEDGE}}
