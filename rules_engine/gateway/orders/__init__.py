"""Orders from intake to end: checks, conditions, matching, groups, reports."""
