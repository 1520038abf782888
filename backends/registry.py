"""Every action of the bank, said out loud: nothing is registered by being imported."""

from __future__ import annotations

from typing import Any

from backends.account.actions import AccountBalance, CustomerProfile
from backends.action import BankAction, BankWrite
from backends.card.actions import CardBill, CardLimit, CardReportLost, CardTransactions
from backends.fx.actions import FxBuy, FxQuota, FxQuote, FxRate
from backends.service.actions import Branch, Complaint
from backends.wealth.actions import RiskAssessment, WealthHoldings, WealthProduct, WealthRecommend
from backends.wealth.orders import WealthBuy, WealthRedeem

AnyAction = BankAction[Any] | BankWrite[Any, Any]

ACTIONS: tuple[AnyAction, ...] = (
    CardBill(),
    CardLimit(),
    CardTransactions(),
    CardReportLost(),
    FxRate(),
    FxQuote(),
    FxQuota(),
    FxBuy(),
    WealthProduct(),
    WealthRecommend(),
    WealthHoldings(),
    WealthBuy(),
    WealthRedeem(),
    RiskAssessment(),
    Branch(),
    Complaint(),
    AccountBalance(),
    CustomerProfile(),
)

BY_NAME: dict[str, AnyAction] = {action.name: action for action in ACTIONS}
"""A capability's stem → the action that serves it."""
