"""Which orders carry the belt: those alone in their firing, when the settings ask for it."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.action import Remaining, Side
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind
from rules_engine.model.trigger_method import TriggerMethod
from tests.execution.bench import SETTINGS, Bench
from tests.execution.doubles import DAY, MA, V, decision, draft

TRIGGER = HeldPrice(V, True, Decimal(200), TriggerMethod.LAST)
EXIT = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0)


async def groups(folder: Path, *legs: OrderDraft, belt: bool = True) -> tuple[list[str], list[str]]:
    """The keys of a unit that was sent, and the groups that its orders carried."""
    bench = Bench(folder, replace(SETTINGS, oca_belt=belt))
    bench.accepting(await bench.connect())
    bench.record(decision(*legs, held=bool(legs[0].conditions)))
    await bench.desk.dispatch()
    assert len(bench.ib.wire) == len(legs)
    return [placed.key for placed in bench.ib.wire], [placed.group for placed in bench.ib.wire]


@pytest.mark.parametrize("leg", [draft(), draft(conditions=(TRIGGER,)), draft(side=Side.BUY, time_in_force=DAY)])
async def test_an_order_that_is_alone_in_its_firing_is_a_group_of_its_own(tmp_path: Path, leg: OrderDraft) -> None:
    keys, names = await groups(tmp_path, leg)
    assert names == keys


async def test_without_the_setting_no_order_is_in_a_group(tmp_path: Path) -> None:
    assert (await groups(tmp_path, draft(), belt=False))[1] == [""]


@pytest.mark.parametrize("legs", [(draft(), EXIT), (draft(), draft(instrument=V))])
async def test_legs_of_brackets_and_lists_never_carry_it(tmp_path: Path, legs: tuple[OrderDraft, ...]) -> None:
    assert set((await groups(tmp_path, *legs))[1]) == {""}


async def test_a_group_keeps_its_own_name(tmp_path: Path) -> None:
    legs = [draft(quantity=Decimal(count), group="g0", remaining=Remaining.REDUCE) for count in (1, 2)]
    keys, names = await groups(tmp_path, *legs)
    assert set(names) == {keys[0].removesuffix(".0") + ".g0"}
    assert MA.name not in names[0]
