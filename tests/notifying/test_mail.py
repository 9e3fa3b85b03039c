"""Apprise's mailto:// plugin, unmodified, against a real SMTP server."""

import asyncio
import email
import email.policy
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from rules_engine.model.clock import SteppedClock
from rules_engine.notifying.redaction import install_redaction, secrets_in
from tests.notifying.memory_outbox import MemoryOutbox
from tests.notifying.running import running, step

PASSWORD = "canary-mail-password"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise leaves 5.5 s between mails; smtplib looks up our own name, which takes as long without a name server."""
    monkeypatch.setattr("apprise.plugins.email.base.NotifyEmail.request_rate_per_sec", 0)
    monkeypatch.setattr("socket.getfqdn", lambda name="": "localhost")


@dataclass
class Mailbox:
    """What arrived."""

    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@asynccontextmanager
async def smtp_server(mailbox: Mailbox, port: int = 0) -> AsyncIterator[int]:
    """Serves on loopback and yields the port; users must know the password."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=getattr(data, "password", b"") == PASSWORD.encode(), handled=False)

    def connection() -> SMTP:
        return SMTP(mailbox, hostname="localhost", authenticator=check, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def channel(port: int, password: str = PASSWORD) -> str:
    query = "smtp=127.0.0.1&mode=insecure&from=engine@example.com&to=desk@example.com"
    return f"mailto://engine:{password}@example.com:{port}?{query}"


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.strip()


async def test_a_message_becomes_a_mail_with_a_one_line_subject() -> None:
    outbox, mailbox = MemoryOutbox(), Mailbox()
    number = outbox.put("desk", "r", "V 200.1 & <MA>\nbuy 100 MA at market", title="r fired\r\nBcc: all@example.com")
    async with smtp_server(mailbox) as port, running(outbox, {"desk": channel(port)}, SteppedClock()):
        await outbox.reaches(number, "sent")
    [mail] = mailbox.mails
    assert mail["Subject"] == "r fired Bcc: all@example.com"
    assert mail["Bcc"] is None
    assert text_of(mail).splitlines() == ["V 200.1 & <MA>", "buy 100 MA at market"]


async def test_a_message_without_a_title_has_its_first_line_as_subject() -> None:
    outbox, mailbox = MemoryOutbox(), Mailbox()
    number = outbox.put("desk", "r", "r: bought 100 MA at 401.25\nand more")
    async with smtp_server(mailbox) as port, running(outbox, {"desk": channel(port)}, SteppedClock()):
        await outbox.reaches(number, "sent")
    assert [mail["Subject"] for mail in mailbox.mails] == ["r: bought 100 MA at 401.25"]


async def test_a_mail_server_that_is_down_gets_everything_in_order_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    outbox, mailbox, clock = MemoryOutbox(), Mailbox(), SteppedClock()
    first = outbox.put("desk", "r", "one")
    second = outbox.put("desk", "r", "two")
    async with smtp_server(mailbox) as port:
        pass
    install_redaction(secrets_in(channel(port)))
    async with running(outbox, {"desk": channel(port)}, clock) as sender:
        down = await outbox.reaches(first, "waiting", attempts=1)
        assert down.error
        assert outbox.messages[second].attempts == 0, "a later message of the same rule does not overtake"
        async with smtp_server(mailbox, port):
            step(clock, sender, down.next_s)
            await outbox.reaches(second, "sent")
    assert [text_of(mail) for mail in mailbox.mails] == ["one", "two"]
    assert PASSWORD not in caplog.text + repr(outbox.messages)


async def test_a_wrong_password_is_told_without_quoting_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outbox, mailbox = MemoryOutbox(), Mailbox()
    number = outbox.put("desk", "r", "one")
    async with smtp_server(mailbox) as port:
        url = channel(port, "canary-of-yesterday")
        install_redaction(secrets_in(url))
        async with running(outbox, {"desk": url}, SteppedClock()):
            refused = await outbox.reaches(number, "waiting", attempts=1)
    assert refused.error
    assert mailbox.mails == []
    assert "canary" not in caplog.text + repr(outbox.messages)
