"""What must hold over all files together: one name, one rule; one name, one instrument."""

from collections.abc import Mapping, Sequence

from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.nearest import did_you_mean
from rules_engine.language.rule_file import RuleFile
from rules_engine.language.within import place_within
from rules_engine.model.instrument import Instrument
from rules_engine.model.place import Place


def check_whole_set(files: Sequence[RuleFile], problems: Mapping[str, Collector]) -> None:
    """Records contradictions between rules and between files, each at the later place, naming the earlier."""
    _refuse_duplicate_rules(files, problems)
    _refuse_unknown_rules(files, problems)
    _refuse_conflicting_instruments(files, problems)


def _refuse_duplicate_rules(files: Sequence[RuleFile], problems: Mapping[str, Collector]) -> None:
    first: dict[str, Place] = {}
    for rule in (rule for file in files for rule in file.rules):
        earlier = first.setdefault(rule.name, rule.place)
        if earlier != rule.place:
            hint = f"it is first at {earlier.file}:{earlier.line}:{earlier.column}"
            message = f"two rules are named '{rule.name}'"
            problems[rule.place.file].add(rule.place, Code.DUPLICATE_RULE, message, hint)


def _refuse_unknown_rules(files: Sequence[RuleFile], problems: Mapping[str, Collector]) -> None:
    names = dict.fromkeys(rule.name for file in files for rule in file.rules)
    for file in files:
        for scalar, name in file.mentioned:
            if name not in names:
                start = scalar.text.rindex(name)
                place = place_within(scalar, start, start + len(name))
                hint = did_you_mean(name, names, "name a rule of these files")
                problems[file.name].add(place, Code.UNKNOWN_RULE, f"there is no rule '{name[:64]}'", hint)


def _refuse_conflicting_instruments(files: Sequence[RuleFile], problems: Mapping[str, Collector]) -> None:
    meant: dict[str, tuple[Instrument, str]] = {}
    for file in files:
        for name, instrument in file.instruments.known().items():
            meant.setdefault(name, (instrument, file.name))
    for file in files:
        for name, place in file.declared:
            _compare(name, place, files, problems[file.name])


def _compare(name: str, place: Place, files: Sequence[RuleFile], problems: Collector) -> None:
    mine = next(file for file in files if file.name == place.file).instruments.known().get(name)
    for other in files:
        theirs = other.instruments.known().get(name)
        if mine is None or theirs is None or theirs == mine:
            continue
        declares = any(declared == name for declared, _ in other.declared)
        how = f"a {theirs.kind} declared otherwise" if declares else "a US stock, undeclared"
        message = f"'{name}' is another instrument in {other.name}: {how}"
        problems.add(place, Code.INSTRUMENT_CONFLICT, message, "give one of them another name, or declare both alike")
        return
