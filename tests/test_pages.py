"""What the other pages show works as it stands there."""

import json
import re
from pathlib import Path

import pytest

from rules_engine.language.settings_file import load_settings
from rules_engine.model.firing import RuleState
from rules_engine.model.intent import IntentState
from rules_engine.notifying.channels import ALLOWED, check_channels

ROOT = Path(__file__).parent.parent
SETTINGS_PAGE = (ROOT / "docs" / "configuration.md").read_text()
ENVIRONMENT = {"TELEGRAM_URL": "tgram://123456789:ABCdefGHIjklMNOpqrSTUvwxyz1234567/987654321"}


def settings_shown(page: str) -> list[str]:
    """The pieces of config.yaml on a page."""
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if re.search(r"^ *(channels|gateway):", block, re.MULTILINE)]


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md", "docs/recorded-prices.md"])
def test_settings_on_a_page_are_accepted(page: str, tmp_path: Path) -> None:
    for secret in ("email", "heartbeat"):
        file = tmp_path / "secrets" / f"{secret}.url"
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text("mailtos://user:password@gmail.com")
    shown = settings_shown(page)
    assert shown
    for block in shown:
        settings, problems = load_settings(block.encode(), page, ENVIRONMENT, tmp_path)
        assert settings is not None and problems == ()
        assert check_channels(settings.channels) == ()


def test_the_settings_page_names_every_key() -> None:
    schema = json.loads((ROOT / "schemas" / "config.schema.json").read_text())
    keys = set(schema["properties"]) - {"web"} | set(schema["properties"]["limits"]["properties"])
    assert {key for key in keys if f"| `{key}` |" not in SETTINGS_PAGE} == set()


def test_the_settings_page_names_every_service_and_state() -> None:
    words = {f"{state}" for state in (*RuleState, *IntentState)} | {name for name in ALLOWED if f"{name}s" in ALLOWED}
    assert {word for word in words if f"`{word}" not in SETTINGS_PAGE and f"`{word}s:" not in SETTINGS_PAGE} == set()


def test_the_library_page_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    exec(compile(program, "library.md", "exec"), {})
    assert f"prints `{capsys.readouterr().out.strip()}`" in page


PAGES = sorted([ROOT / "README.md", ROOT / "benchmarks" / "RESULTS.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    links = [page.parent / link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    named = re.findall(r"`((?:tests|docs|benchmarks|rules_engine|schemas)/[\w./-]+)(?:::\w+)?`", text)
    files = [*links, *(ROOT / name for name in named)]
    assert [str(file) for file in files if not file.exists()] == []
