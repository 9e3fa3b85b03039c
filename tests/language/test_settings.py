"""config.yaml into settings; secrets come from where they belong and never show."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.language import as_json, render
from rules_engine.language.settings_file import exposed_secrets, load_settings
from rules_engine.model.place import Problem
from rules_engine.model.settings import GatewaySettings, Heartbeat, Limits, Mode, NightlyRestart, Settings

SECRET = "tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/987654321/"
WHOLE = """
rules: rules/
state: var/                       # journal, logs; 0700
gateway: {host: 127.0.0.1, port: 7497, client_id: 17}
mode: paper
account: DU1234567
channels:
  phone: ${TELEGRAM_URL}
  desk: file:secrets/email.url
heartbeat: {url: file:secrets/heartbeat.url, every: 1m}
oca_belt: true
limits:
  max_order_quantity: 1000
  max_order_value: 50000.50
  max_orders_per_day: 50
  max_position_value: 100000
  price_collar: 2.5%
  allow_short: false
  price_wait: 1m
  max_spread: 0.5%
  max_price_age: 2s
  max_orders_per_rule_per_day: 4
  max_orders_per_second: 3
  max_active_orders_per_side: 15
  max_value_per_day: 200000
  max_value_per_rule_per_day: 90000
  max_open_value: 150000
  max_daily_loss: 2500.50
  max_daily_loss_per_rule: 500
  max_messages_per_rule_per_minute: 30
  instruments: [MA, V, future ES]
"""


def read(text: str, base: Path, **environment: str) -> tuple[Settings | None, tuple[Problem, ...]]:
    return load_settings(text.encode(), "config.yaml", environment, base)


def secret_file(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def shown(problems: tuple[Problem, ...]) -> str:
    return render(problems) + str([as_json(problem) for problem in problems]) + repr(problems)


def test_the_whole_file(tmp_path: Path) -> None:
    secret_file(tmp_path, "email.url", "mailto://me:word@example.com\n")
    secret_file(tmp_path, "heartbeat.url", "https://example.com/ping/1")
    settings, problems = read(WHOLE, tmp_path, TELEGRAM_URL=SECRET)
    assert not problems and settings is not None
    assert settings.rules == tmp_path / "rules" and settings.state == tmp_path / "var"
    assert settings.gateway == GatewaySettings("127.0.0.1", 7497, 17)
    assert (settings.mode, settings.account) == (Mode.PAPER, "DU1234567")
    assert settings.channels == {"phone": SECRET, "desk": "mailto://me:word@example.com"}
    assert settings.heartbeat == Heartbeat("https://example.com/ping/1", 60.0)
    assert settings.oca_belt and not Settings().oca_belt
    assert settings.limits == Limits(
        Decimal(1000),
        Decimal("50000.50"),
        50,
        Decimal(100000),
        Decimal("0.025"),
        allow_short=False,
        max_orders_per_rule_per_day=4,
        max_value_per_day=Decimal(200000),
        max_value_per_rule_per_day=Decimal(90000),
        max_open_value=Decimal(150000),
        max_daily_loss=Decimal("2500.50"),
        max_daily_loss_per_rule=Decimal(500),
        max_messages_per_rule_per_minute=30,
        instruments=frozenset({"MA", "V", "future ES"}),
        max_orders_per_second=3,
        max_active_orders_per_side=15,
        price_wait_s=60.0,
        max_spread=Decimal("0.005"),
        max_price_age_s=2.0,
    )


@pytest.mark.parametrize(
    ("text", "restart"),
    [
        ("mode: dry\n", NightlyRestart(23, 45, 180.0, "America/New_York")),
        ("restart_window: {at: 22:05, around: 90s}\n", NightlyRestart(22, 5, 90.0, "America/New_York")),
        ("restart_window: {timezone: Europe/Berlin}\n", NightlyRestart(23, 45, 180.0, "Europe/Berlin")),
        ("restart_window: none\n", None),
        ("gateway: demo\n", None),
    ],
)
def test_the_gateway_restarts_in_the_night_by_its_own_clock(
    text: str, restart: NightlyRestart | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    settings, problems = read(text, tmp_path)
    assert not problems and settings is not None
    assert settings.restart == restart


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("restart_window: {at: 24:00}\n", "R105"),
        ("restart_window: {around: soon}\n", "R105"),
        ("restart_window: {timezone: Europe/Nowhere}\n", "R322"),
        ("restart_window: {from: 23:00}\n", "R102"),
        ("restart_window: never\n", "R105"),
    ],
)
def test_a_restart_that_cannot_be_is_refused(text: str, code: str, tmp_path: Path) -> None:
    settings, problems = read(text, tmp_path)
    assert settings is None and code in [str(problem.code) for problem in problems]


@pytest.mark.parametrize("item", ["futre ES", "conId x", "forex EUR", "index VIX", ""])
def test_an_instrument_of_the_limits_that_nothing_is_called_is_refused(item: str, tmp_path: Path) -> None:
    settings, problems = read(f"limits: {{instruments: [MA, '{item}']}}\n", tmp_path)
    assert settings is None and [str(problem.code) for problem in problems] == ["R105"]


def test_an_almost_empty_file_is_a_dry_run(tmp_path: Path) -> None:
    settings, problems = read("mode: dry\n", tmp_path)
    assert not problems and settings is not None
    assert settings.limits == Limits() and settings.channels == {} and settings.heartbeat is None
    assert (settings.resend_within_s, settings.resend_market_within_s) == (0.0, 0.0)


def test_sending_once_more_must_be_asked_for(tmp_path: Path) -> None:
    settings, problems = read("resend_within: 60s\nresend_market_within: 30s\n", tmp_path)
    assert not problems and settings is not None
    assert (settings.resend_within_s, settings.resend_market_within_s) == (60.0, 30.0)


def test_the_embedded_gateway(tmp_path: Path) -> None:
    settings, _ = read("gateway: demo\n", tmp_path)
    assert settings is not None and settings.gateway.embedded


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    settings, _ = read("channels: {phone: '${URL}'}\n", tmp_path, URL=SECRET)
    assert settings is not None and settings.channels["phone"] == SECRET
    assert "AAHdq" not in repr(settings)


@pytest.mark.parametrize(
    "text",
    [
        f"channels:\n  phone: {SECRET}\nmood: dry\n",
        f"channels:\n  phone: {SECRET}\n  phone: {SECRET}\n",
        f"channels:\n  phone: [{SECRET}]\n",
        f"channels: {SECRET}\n",
        f"channels:\n  {SECRET}: phone\n",
        f"mode: {SECRET}\n",
        f"channels:\n  two words: {SECRET}\n",
        f"chanels:\n  phone: {SECRET}\n",
        f"channels:\n  phone: {SECRET} x: y\n",
        f"channels:\n  phone: '{SECRET}\n",
        f"heartbeat: {{url: {SECRET}, every: soon}}\n",
        "channels:\n  day: hunter2-correct-horse\n",
    ],
)
def test_no_problem_shows_a_secret(text: str, tmp_path: Path) -> None:
    settings, problems = read(text, tmp_path)
    assert settings is None and problems
    assert "AAHdq" not in shown(problems) and "hunter2" not in shown(problems)


def test_a_secret_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "email.url", "mailto://me:word@example.com", mode=0o640)
    settings, problems = read("channels: {desk: 'file:secrets/email.url'}\n", tmp_path)
    assert settings is None
    assert [str(problem.code) for problem in problems] == ["R403"]
    assert problems[0].hint == f"run: chmod 600 {path}"


@pytest.mark.parametrize("text", ["", "two words", "a\nb\n"])
def test_a_secret_file_must_hold_one_address(text: str, tmp_path: Path) -> None:
    secret_file(tmp_path, "email.url", text)
    settings, problems = read("channels: {desk: 'file:secrets/email.url'}\n", tmp_path)
    assert settings is None and [str(problem.code) for problem in problems] == ["R402"]


@pytest.mark.parametrize(
    ("text", "mode", "exposed"),
    [
        (f"channels:\n  phone: {SECRET}\n", 0o644, True),
        (f"channels:\n  phone: {SECRET}\n", 0o620, True),
        (f"channels:\n  phone: {SECRET}\n", 0o600, False),
        ("heartbeat: {url: 'https://example.com/ping'}\n", 0o644, True),
        ("channels:\n  phone: ${URL}\n  desk: file:secrets/desk.url\n", 0o644, False),
        ("channels:\n  phone: tgram://${TOKEN}/1\n", 0o644, True),
        ("mode: dry\n", 0o644, False),
    ],
)
def test_a_config_with_secrets_in_it_is_for_its_owner_alone(
    text: str, mode: int, exposed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(mode)
    problems = exposed_secrets(path, path.read_bytes())
    assert [str(problem.code) for problem in problems] == (["R403"] if exposed else [])
    assert "AAHdq" not in shown(problems)


def test_without_an_environment_channels_are_names_alone(tmp_path: Path) -> None:
    data = b"channels: {phone: '${NOT_SET}', desk: 'file:nowhere.url'}\n"
    settings, problems = load_settings(data, "config.yaml", None, tmp_path)
    assert problems == ()
    assert settings is not None
    assert settings.channels == {"phone": "", "desk": ""}


def test_a_credential_of_systemd_is_read_whatever_its_mode_says(tmp_path: Path) -> None:
    credential = secret_file(tmp_path, "phone.url", SECRET, 0o440)
    text = "channels: {phone: 'file:${CREDENTIALS_DIRECTORY}/phone.url'}\n"
    settings, problems = read(text, tmp_path, CREDENTIALS_DIRECTORY=str(credential.parent))
    assert problems == () and settings is not None
    assert settings.channels == {"phone": SECRET}


def test_without_its_variable_a_secret_s_file_is_not_looked_for(tmp_path: Path) -> None:
    settings, problems = read("channels: {phone: 'file:${CREDENTIALS_DIRECTORY}/phone.url'}\n", tmp_path)
    assert settings is None
    assert "the environment has no variable 'CREDENTIALS_DIRECTORY'" in shown(problems)


def test_a_link_to_a_secret_is_refused_and_names_no_secret(tmp_path: Path) -> None:
    real = secret_file(tmp_path, "real.url", SECRET)
    (real.parent / "link.url").symlink_to(real)
    settings, problems = read("channels: {phone: file:secrets/link.url}\n", tmp_path)
    assert settings is None
    assert "is a link" in shown(problems) and SECRET not in shown(problems)


def test_a_config_with_secrets_in_it_that_somebody_else_owns_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.yaml"
    path.touch(0o600)
    path.write_text(f"channels: {{phone: '{SECRET}'}}\n")
    owner = path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    monkeypatch.setattr("rules_engine.language.settings_file._ADMINISTRATOR", -1)
    [problem] = exposed_secrets(path, path.read_bytes())
    assert "belongs to somebody else" in problem.message and SECRET not in shown((problem,))


@pytest.mark.parametrize("special", ["pipe", "/dev/zero", "."])
def test_a_secret_in_a_pipe_a_device_or_a_folder_is_refused_at_once(special: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    settings, [problem, *_] = read(f"channels: {{phone: 'file:{special}'}}\n", tmp_path)
    assert settings is None and problem.place.line == 1
