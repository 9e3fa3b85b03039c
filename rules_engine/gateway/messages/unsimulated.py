"""The requests of the real TWS that this gateway turns down, each with an answer that ends what waits for it."""

from dataclasses import dataclass

VALIDATION = 321


@dataclass(frozen=True, slots=True)
class Unsimulated:
    """What is turned down, where its request id stands, and with which code; without a code nothing is said."""

    name: str
    identity_at: int | None = None
    code: int | None = VALIDATION

    @property
    def text(self) -> str:
        """What the client is told."""
        if self.code == VALIDATION:
            return f"Error validating request.-'bZ' : cause - {self.name}: not simulated"
        return f"{_TEXTS[self.code or VALIDATION]}{self.name}: not simulated"


# The codes with which TWS itself fails such requests. Clients treat 321 differently: ib_async waits on after it.
_NO_SCANNER, _NO_FUNDAMENTALS, _NO_ARTICLE, _NO_NEWS, _NO_DATA = 162, 430, 10172, 10276, 354
_TEXTS = {
    _NO_SCANNER: "Historical Market Data Service error message:",
    _NO_FUNDAMENTALS: "We are sorry, but fundamentals data for the security specified is not available.",
    _NO_ARTICLE: "Failed to request news article:",
    _NO_NEWS: "News feed is not allowed.",
    _NO_DATA: "Requested market data is not subscribed.",
}

UNSIMULATED = {
    "19": Unsimulated("financial advisor data", 4),
    "21": Unsimulated("exercise of options", 2),
    "22": Unsimulated("scanners", 1, _NO_SCANNER),
    "23": Unsimulated("scanners", 2, None),
    "52": Unsimulated("fundamental data", 2, _NO_FUNDAMENTALS),
    "53": Unsimulated("fundamental data", 2, None),
    "54": Unsimulated("option calculations", 2, _NO_DATA),
    "55": Unsimulated("option calculations", 2, _NO_DATA),
    "56": Unsimulated("option calculations", 2, None),
    "57": Unsimulated("option calculations", 2, None),
    "65": Unsimulated("verification"),
    "66": Unsimulated("verification"),
    "67": Unsimulated("display groups", 2),
    "68": Unsimulated("display groups", 2),
    "69": Unsimulated("display groups", 2),
    "70": Unsimulated("display groups", 2, None),
    "72": Unsimulated("verification"),
    "73": Unsimulated("verification"),
    "84": Unsimulated("news", 1, _NO_ARTICLE),
    "100": Unsimulated("calendar events", 1, _NO_NEWS),
    "101": Unsimulated("calendar events", 1, None),
    "102": Unsimulated("calendar events", 1, _NO_NEWS),
    "103": Unsimulated("calendar events", 1, None),
}
