"""The word that the user most likely meant."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, or None when none is alike; case does not count."""
    # Imported only where a word is wrong.
    from difflib import get_close_matches

    by_folded = {other.casefold(): other for other in known}
    found = get_close_matches(word.casefold(), by_folded, 1, cutoff=0.7)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint `did you mean 'cooldown'?`, or ``otherwise``."""
    near = nearest(word, known)
    return f"did you mean '{near}'?" if near else otherwise


def listed(words: Iterable[str], last: str = "or") -> str:
    """`'a', 'b' or 'c'`."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
