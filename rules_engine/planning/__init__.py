"""Rules into plans: at the broker or here, with every reason."""
