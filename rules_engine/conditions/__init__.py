"""The kinds of condition, one a file: how each is said, what it means, how it is judged, and IB's form of it."""
