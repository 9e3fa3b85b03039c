"""What is wrong inside one sentence, before it is known where the sentence stands in its file."""

from dataclasses import dataclass

from rules_engine.language.codes import Code


@dataclass(frozen=True, slots=True)
class Fault:
    """``start`` and ``end`` are offsets in the sentence, in characters."""

    start: int
    end: int
    code: Code
    message: str
    hint: str = ""
