"""The outbox and the messages that leave through Apprise."""
