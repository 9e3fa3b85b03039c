"""Every message of the wire as a table: the order of a class's fields is the order on the wire."""
