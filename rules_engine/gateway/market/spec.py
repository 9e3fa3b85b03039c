"""The words after `--market` into a market: `walk`, SCRIPT.yaml, SYMBOL=FILE.csv, in any number and mixture."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.files import MarketError, Node
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.script import read_script
from rules_engine.gateway.market.source import Source
from rules_engine.gateway.market.tape import Tape, Track
from rules_engine.gateway.market.walk import Walk
from rules_engine.model.clock import Clock

WALK = "walk"
_STOCK_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,9}([ .][A-Z]{1,3})?")


def parse_market(
    words: Sequence[str],
    *,
    speed: float = 1.0,
    seed: int = 0,
    sessions: bool = False,
    catalogue: Path | None = None,
    clock: Clock | None = None,
) -> Market:
    """Builds the market that the words describe; no word at all is a walk.

    ``speed`` compresses every source, ``sessions`` keeps trading hours, ``catalogue`` is a file with more listings.
    Raises MarketError, which says where and why.
    """
    if not 0 < speed < math.inf:
        raise MarketError(f"speed {speed:g}: must be above zero")
    if sessions and speed != 1.0:
        raise MarketError(f"speed {speed:g}: trading hours can only be kept at speed 1")
    listings = Catalogue(catalogue, clock=clock)
    return Market(listings, _Reader(listings, speed).sources(words or (WALK,), seed, sessions), sessions=sessions)


class _Reader:
    """Collects sources; no symbol is played twice."""

    def __init__(self, catalogue: Catalogue, speed: float) -> None:
        self._catalogue = catalogue
        self._speed = speed
        self._played: set[int] = set()

    def sources(self, words: Sequence[str], seed: int, sessions: bool) -> list[Source]:
        """Scripts and recordings first: the walk plays what is left."""
        sources: list[Source] = []
        recordings: list[Track] = []
        for word in words:
            symbol, equals, file = word.partition("=")
            if equals:
                recordings.append(self._recording(word, symbol.strip(), Path(file)))
            elif word.lower().endswith((".yaml", ".yml")):
                sources.append(self._script(Path(word)))
            elif word != WALK:
                raise MarketError(f"'{word}': a market is '{WALK}', SCRIPT.yaml or SYMBOL=FILE.csv")
        if recordings:
            # One axis for all files: what happened together is played together.
            zero_s = min(track.first_s for track in recordings)
            sources.append(Tape(recordings, zero_s=zero_s, speed=self._speed))
        if WALK in words:
            sources.append(Walk(self._catalogue, seed=seed, speed=self._speed, sessions=sessions))
        return sources

    def _recording(self, word: str, symbol: str, path: Path) -> Track:
        # Imported only where there are recordings: numpy, which reads them, takes its time.
        from rules_engine.gateway.market.recorded import read_recording

        return read_recording(path, self._listing(Node(word, symbol), symbol))

    def _script(self, path: Path) -> Tape:
        script = read_script(path, self._listing)
        return Tape(script.tracks, speed=self._speed, loop_s=script.loop_s)

    def _listing(self, node: Node, symbol: str) -> Listing:
        listing = self._catalogue.named(symbol)
        if listing is None:
            if not _STOCK_SYMBOL.fullmatch(symbol):
                raise node.problem(f"'{symbol}' is no symbol that is listed, and cannot be a new US stock")
            listing = self._catalogue.add_stock(symbol)
        if listing.conId in self._played:
            raise node.problem(f"'{symbol}' is played already")
        self._played.add(listing.conId)
        return listing
