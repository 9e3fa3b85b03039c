"""The peer of L2: the shortest honest ib_insync program that buys when a price crosses 200. Nothing is checked or kept.

Called with the gateway's port.
"""

import sys

from ib_insync import IB, MarketOrder, Stock, Ticker

_RT_VOLUME = 48
LEVEL = 200.0


def main(port: int) -> None:
    """Trades until it is stopped."""
    ib = IB()
    ib.connect("127.0.0.1", port, clientId=5)
    watched, bought = ib.qualifyContracts(Stock("V", "SMART", "USD"), Stock("MA", "SMART", "USD"))
    below = False

    def on_tickers(tickers: set[Ticker]) -> None:
        nonlocal below
        for ticker in tickers:
            for tick in ticker.ticks:
                if ticker.contract is watched and tick.tickType == _RT_VOLUME:
                    if below and tick.price >= LEVEL:
                        ib.placeOrder(bought, MarketOrder("BUY", int(tick.price - LEVEL)))
                    below = tick.price < LEVEL

    ib.pendingTickersEvent += on_tickers
    ib.reqMktData(watched, "233")
    ib.reqMktData(bought, "233")
    ib.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
