"""The environments of the clients hold what the tests and the product speak of."""

import re
import tomllib
from pathlib import Path

from tests.clients.conftest import CLIENTS
from tests.clients.process import ROOT

TABLE = (Path(__file__).parent / "environments.txt").read_text()
ENVIRONMENTS = dict(line.split(" ", 1) for line in TABLE.splitlines() if not line.startswith("#"))


def test_every_client_of_the_suite_has_an_environment_and_none_is_left_over() -> None:
    assert set(ENVIRONMENTS) == set(CLIENTS)


def test_the_library_that_the_engine_uses_is_the_one_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert ENVIRONMENTS["ib_insync"] in project["dependencies"]


def test_the_gateways_page_names_every_client_and_its_versions() -> None:
    page = (ROOT / "docs" / "gateway.md").read_text()
    for packages in ENVIRONMENTS.values():
        name, version = packages.split()[0].split("==")
        assert re.search(rf"^\| {name} {re.escape(version)} \| 157", page, re.MULTILINE)
