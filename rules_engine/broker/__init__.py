"""Our words and IB's: the only package that names ib_insync."""
