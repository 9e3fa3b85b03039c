"""A simulated TWS and IB Gateway: the real socket protocol, a played market, orders that outlive their clients."""

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.files import MarketError
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.spec import parse_market
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.serve import serve
from rules_engine.gateway.server import Gateway

__all__ = ["Catalogue", "Gateway", "Market", "MarketError", "Order", "parse_market", "serve"]
