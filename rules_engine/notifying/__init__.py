"""From the journal's outbox to people's phones, by Apprise; the words of every message; secrets kept out of logs."""
