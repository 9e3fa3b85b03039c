"""From bytes to requests and back: frames, fields, sessions, and who answers what."""
