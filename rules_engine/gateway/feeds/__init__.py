"""Market data as clients ask for it: lines, depth, single ticks, bars and the past."""
