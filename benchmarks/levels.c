/* Ten thousand levels in C: two sorted columns, and by bisection the stretch of them that a move has passed. */

static long first_not_below(const long long *sorted, long count, long long cents) {
    long low = 0, high = count;
    while (low < high) {
        long middle = (low + high) / 2;
        if (sorted[middle] < cents) low = middle + 1; else high = middle;
    }
    return low;
}

/* Writes pairs of print and place in `ups` (or, after all of those, in `downs`), `room` at most, and gives how many. */
long levels(const long long *ups, long ups_count, const long long *downs, long downs_count, const long long *cents, long count,
            long room, long long *fired) {
    long found = 0;
    for (long at = 1; at < count; at++) {
        long long last = cents[at - 1], now = cents[at];
        if (now > last)
            for (long place = first_not_below(ups, ups_count, last), end = first_not_below(ups, ups_count, now); place < end && found < room; place++)
                fired[2 * found] = at, fired[2 * found++ + 1] = place;
        if (now < last)
            for (long place = first_not_below(downs, downs_count, now + 1), end = first_not_below(downs, downs_count, last + 1);
                 place < end && found < room; place++)
                fired[2 * found] = at, fired[2 * found++ + 1] = ups_count + place;
    }
    return found;
}
