"""The engine's own settings from config.yaml, secrets resolved; no secret gets into a problem."""

import os
import re
import stat
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from rules_engine.language.channels import check_channel
from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.durations import read_duration
from rules_engine.language.moments import is_timezone, machine_timezone
from rules_engine.language.ordinary_file import read_ordinary
from rules_engine.language.rendering import quote_lines
from rules_engine.language.structure import CONFIG_SCHEMA, check_structure
from rules_engine.language.text import Source, decode
from rules_engine.language.tree import Listing, Node, Scalar, read_tree
from rules_engine.language.tree import Mapping as MappingNode
from rules_engine.model.place import Problem, Severity
from rules_engine.model.settings import GatewaySettings, Heartbeat, Limits, Mode, NightlyRestart, Settings

SECRET_SIZE_MAX = 8_192
_ADMINISTRATOR = 0
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_FILE = "file:"


def load_settings(
    data: bytes, name: str, environment: Mapping[str, str] | None, base: Path
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings, or None and what is wrong. Relative paths start at ``base``, the folder of the file.

    Without an ``environment`` no secret is read: channels are names whose addresses are empty.
    """
    problems = Collector()
    text, refused = decode(Source(name, data))
    problems.extend(refused)
    settings = root = None
    if not refused:
        root, refused = read_tree(text, name)
        problems.extend(refused)
        if root is not None:
            problems.extend(check_structure(root, CONFIG_SCHEMA))
        if isinstance(root, MappingNode):
            settings = _Words(root, environment, base, problems).settings()
    found = quote_lines(problems.in_file_order(), _without_secrets(text, root))
    return (None if any(problem.severity is Severity.ERROR for problem in found) else settings), found


def exposed_secrets(path: Path, data: bytes) -> tuple[Problem, ...]:
    """What is wrong with whose a settings file is and who may read it: one with an address in it is for us alone."""
    text, refused = decode(Source(str(path), data))
    root, _ = read_tree(text, str(path)) if not refused else (None, ())
    literal = [secret for secret in _secrets(root) if not _is_reference(secret)] if root else []
    if not literal:
        return ()
    if _is_foreign(path):
        message, hint = "this file holds secrets and belongs to somebody else", f"run: chown $USER {path}"
    elif _is_open(path):
        message, hint = "this file holds secrets and others may read it", f"run: chmod 600 {path}"
    else:
        return ()
    problem = Problem(literal[0].place, Code.SECRET_EXPOSED, message, hint)
    return quote_lines((problem,), _without_secrets(text, root))


def _secrets(root: Node) -> list[Scalar]:
    if not isinstance(root, MappingNode):
        return []
    channels, heartbeat = root.get("channels"), root.get("heartbeat")
    found = [entry.value for entry in channels.entries] if isinstance(channels, MappingNode) else []
    if isinstance(heartbeat, MappingNode):
        found += [entry.value for entry in heartbeat.entries if entry.key.text == "url"]
    return [value for value in found if isinstance(value, Scalar)]


def _is_reference(value: Scalar) -> bool:
    """Whether it only says where the secret is: nothing but variables, or a file."""
    return _is_file(value) or not _VARIABLE.sub("", value.text).strip()


def _is_file(value: Scalar) -> bool:
    return value.text.startswith(_FILE) and not value.text.startswith(f"{_FILE}//")


def _is_open(path: Path) -> bool:
    """Whether group or others may touch the file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _is_foreign(path: Path) -> bool:
    """Whether somebody else, who is not the machine's administrator, could open the file to others."""
    return path.stat().st_uid not in (os.geteuid(), _ADMINISTRATOR)


def _without_secrets(text: str, root: Node | None) -> str:
    """The file as it may be quoted: every secret that stands in it literally is starred out."""
    literal = [secret.raw for secret in _secrets(root) if not _is_reference(secret)] if root else []
    for raw in sorted(literal, key=len, reverse=True):
        text = text.replace(raw, re.sub(r"[^\r\n]", "*", raw))
    return text


class _Words:
    """Reads the keys of one settings file."""

    def __init__(
        self, root: MappingNode, environment: Mapping[str, str] | None, base: Path, problems: Collector
    ) -> None:
        self._root = root
        self._environment = environment
        self._base = base
        self._problems = problems

    def settings(self) -> Settings:
        mode = self._mode()
        account = self._root.text("account")
        if mode is Mode.LIVE and not account:
            place = self._root.get("mode") or self._root
            hint = "add 'account:' with the account in full"
            self._problems.add(place, Code.ACCOUNT_MISSING, "live mode needs to know which account", hint)
        return Settings(
            rules=self._base / (self._root.text("rules") or "rules"),
            state=self._base / (self._root.text("state") or "var"),
            gateway=self._gateway(),
            mode=mode,
            account=account,
            channels=self._channels(),
            local_webhooks=self._is_true("local_webhooks"),
            heartbeat=self._heartbeat(),
            limits=self._limits(),
            restart=self._restart(),
            resend_within_s=self._seconds(self._root, "resend_within", 0.0, "60s"),
            resend_market_within_s=self._seconds(self._root, "resend_market_within", 0.0, "30s"),
            oca_belt=self._is_true("oca_belt"),
        )

    def _is_true(self, key: str) -> bool:
        node = self._root.get(key)
        return isinstance(node, Scalar) and node.value is True

    def _mode(self) -> Mode:
        word = self._root.text("mode") or Mode.DRY.value
        return Mode(word) if word in {mode.value for mode in Mode} else Mode.DRY

    def _gateway(self) -> GatewaySettings:
        node = self._root.get("gateway")
        if isinstance(node, Scalar):
            return GatewaySettings(embedded=True)
        if not isinstance(node, MappingNode):
            return GatewaySettings()
        given = GatewaySettings()
        return GatewaySettings(
            host=node.text("host") or given.host,
            port=node.whole("port", given.port),
            client_id=node.whole("client_id", given.client_id),
        )

    def _channels(self) -> dict[str, str]:
        node = self._root.get("channels")
        found: dict[str, str] = {}
        for entry in node.entries if isinstance(node, MappingNode) else ():
            name = entry.key.text
            if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name) is None:
                message = "this cannot name a channel"
                self._problems.add(entry.key, Code.BAD_SHAPE, message, "write letters, digits, '-' and '_'")
            check_channel(name, entry.key, None, self._problems)
            if isinstance(entry.value, Scalar):
                found[name] = self._secret(entry.value)
        return found

    def _heartbeat(self) -> Heartbeat | None:
        node = self._root.get("heartbeat")
        url = node.get("url") if isinstance(node, MappingNode) else None
        if not isinstance(node, MappingNode) or not isinstance(url, Scalar):
            return None
        return Heartbeat(self._secret(url), self._seconds(node, "every", 60.0, "1m"))

    def _restart(self) -> NightlyRestart | None:
        """None for a gateway that never restarts by itself: one that says so, and the embedded one."""
        node, usual = self._root.get("restart_window"), NightlyRestart(timezone=machine_timezone())
        if isinstance(node, Scalar) or self._gateway().embedded:
            return None
        if not isinstance(node, MappingNode):
            return usual
        hour, minute = usual.hour, usual.minute
        if _TIME.fullmatch(at := node.text("at")):
            hour, minute = map(int, at.split(":"))
        zone = node.get("timezone")
        if isinstance(zone, Scalar) and not is_timezone(zone.text):
            hint = "write a name such as America/New_York or Europe/London"
            self._problems.add(zone, Code.BAD_TIMEZONE, f"'{zone.text[:64]}' is not a time zone", hint)
            return usual
        around_s = self._seconds(node, "around", usual.around_s, "3m")
        return NightlyRestart(hour, minute, around_s, node.text("timezone") or usual.timezone)

    def _seconds(self, node: MappingNode, key: str, usual_s: float, example: str) -> float:
        """A length of time; ``usual_s`` where none is written."""
        written = node.get(key)
        if not isinstance(written, Scalar):
            return usual_s
        found_s = read_duration(written.text)
        if found_s is None:
            self._problems.add(written, Code.BAD_DURATION, "this is not a length of time", f"write {example}")
        return usual_s if found_s is None else found_s

    def _secret(self, node: Scalar) -> str:
        environment = self._environment
        if environment is None:
            return ""
        return self._from_file(node, environment) if _is_file(node) else self._filled_in(node, environment)

    def _filled_in(self, node: Scalar, environment: Mapping[str, str]) -> str:
        for variable in _VARIABLE.findall(node.text):
            if not environment.get(variable):
                message = f"the environment has no variable '{variable}'"
                self._problems.add(node, Code.UNKNOWN_VARIABLE, message, f"run: export {variable}=...")
        return _VARIABLE.sub(lambda found: environment.get(found[1], ""), node.text)

    def _check_closed(self, path: Path, node: Scalar) -> None:
        if path.is_symlink():
            message, hint = "the file of this secret is a link", "name the file that it leads to"
        elif _is_foreign(path):
            message, hint = "the file of this secret belongs to somebody else", f"run: chown $USER {path}"
        elif _is_open(path):
            message, hint = "others may read the file of this secret", f"run: chmod 600 {path}"
        else:
            return
        self._problems.add(node, Code.SECRET_EXPOSED, message, hint)

    def _from_file(self, node: Scalar, environment: Mapping[str, str]) -> str:
        path = self._base / self._filled_in(node, environment).removeprefix(_FILE)
        try:
            # systemd lets the service's user read a credential by other means than its mode.
            if path.parent != Path(environment.get("CREDENTIALS_DIRECTORY") or os.devnull):
                self._check_closed(path, node)
            secret = read_ordinary(path, SECRET_SIZE_MAX).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self._problems.add(node, Code.SECRET_UNREADABLE, f"the file of this secret is not read: {reason}")
            return ""
        if not secret or any(character.isspace() for character in secret):
            message = "the file of this secret does not hold one address"
            self._problems.add(node, Code.SECRET_UNREADABLE, message, "write one line, the address alone")
        return secret

    def _limits(self) -> Limits:
        node = self._root.get("limits")
        if not isinstance(node, MappingNode):
            return Limits()
        short, usual = node.get("allow_short"), Limits()
        return Limits(
            max_order_quantity=_amount(node, "max_order_quantity"),
            max_order_value=_amount(node, "max_order_value"),
            max_orders_per_day=node.whole("max_orders_per_day", 0) or None,
            max_position_value=_amount(node, "max_position_value"),
            price_collar=_share(node, "price_collar", usual.price_collar),
            allow_short=isinstance(short, Scalar) and short.value is True,
            max_orders_per_rule_per_day=node.whole("max_orders_per_rule_per_day", 0) or None,
            max_value_per_day=_amount(node, "max_value_per_day"),
            max_value_per_rule_per_day=_amount(node, "max_value_per_rule_per_day"),
            max_open_value=_amount(node, "max_open_value"),
            max_daily_loss=_amount(node, "max_daily_loss"),
            max_daily_loss_per_rule=_amount(node, "max_daily_loss_per_rule"),
            instruments=_names(node.get("instruments")),
            max_active_orders_per_side=node.whole("max_active_orders_per_side", usual.max_active_orders_per_side),
            max_orders_per_second=node.whole("max_orders_per_second", usual.max_orders_per_second),
            max_messages_per_rule_per_minute=node.whole(
                "max_messages_per_rule_per_minute", usual.max_messages_per_rule_per_minute
            ),
            price_wait_s=self._seconds(node, "price_wait", usual.price_wait_s, "30s"),
            max_spread=_share(node, "max_spread", usual.max_spread),
            max_price_age_s=self._seconds(node, "max_price_age", usual.max_price_age_s, "5s"),
        )


def _names(node: Node | None) -> frozenset[str] | None:
    if not isinstance(node, Listing):
        return None
    return frozenset(item.text for item in node.items if isinstance(item, Scalar))


def _amount(node: MappingNode, key: str) -> Decimal | None:
    value = node.get(key)
    is_number = isinstance(value, Scalar) and isinstance(value.value, int | float)
    return Decimal(value.text) if isinstance(value, Scalar) and is_number and _is_decimal(value.text) else None


def _share(node: MappingNode, key: str, usual: Decimal | None) -> Decimal | None:
    """`2.5%` is 0.025."""
    percent = node.text(key).removesuffix("%")
    return Decimal(percent) / 100 if _is_decimal(percent) else usual


def _is_decimal(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text) is not None
