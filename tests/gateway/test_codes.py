"""The table of codes, and the page that explains it."""

import re
from pathlib import Path

import rules_engine.gateway.orders
from rules_engine.gateway.codes import CODES, text_of

PACKAGE = Path(rules_engine.gateway.orders.__file__).parent
PAGE = Path(__file__).parent.parent.parent / "docs" / "gateway.md"
DESK = ("desk", "checks", "changes", "allowance", "teller", "order_answers")


def sent_by_the_desk() -> set[int]:
    """Every code that stands in the source of those who take and refuse orders."""
    source = "\n".join((PACKAGE / f"{name}.py").read_text() for name in DESK)
    found = re.findall(r"(?:Refused\(|yield |text_of\(|^_RETIRED.*|\": )(\d{3,5})\b", source)
    return {int(code) for code in found}


def explained() -> set[int]:
    """The codes in the first column of the page's table."""
    section = PAGE.read_text().split("### Refusals and warnings")[1].split("###")[0]
    return {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE) for code in row.split(", ")}


def test_every_code_stands_once_and_in_order() -> None:
    codes = [row.code for row in CODES]
    assert codes == sorted(set(codes))
    assert all(row.source for row in CODES)


def test_the_page_explains_every_code_that_an_order_can_meet() -> None:
    assert len(sent_by_the_desk()) > 40
    assert explained() == sent_by_the_desk()


def test_a_code_without_a_text_says_that_it_is_simulated() -> None:
    assert text_of(4711) == "Simulated code 4711"
    assert text_of(201) == "Order rejected - reason:"
    assert text_of(10148, 7, "Filled") == "OrderId 7 that needs to be cancelled cannot be cancelled, state: Filled."
