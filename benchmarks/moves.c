/* `S moves 5% in 5m` in C: what is left when nothing but the arithmetic is. Prints in, 1 at each that fires. */

#include <stdlib.h>

struct print { double time_s, price; };
struct moves { struct print *lows, *highs; long low, low_end, high, high_end; double window_s, first_s; int held; };

/* Room for so many prints. */
struct moves *moves_begin(long count, double window_s) {
    struct moves *m = calloc(1, sizeof *m);
    m->lows = malloc(count * sizeof *m->lows);
    m->highs = malloc(count * sizeof *m->highs);
    m->window_s = window_s;
    m->first_s = -1.0;
    return m;
}

int moves_hear(struct moves *m, double time_s, double price) {
    double edge_s = time_s - m->window_s;
    if (m->first_s < 0) m->first_s = time_s;
    while (m->low_end > m->low && m->lows[m->low_end - 1].price >= price) m->low_end--;
    m->lows[m->low_end++] = (struct print){time_s, price};
    while (m->lows[m->low].time_s <= edge_s) m->low++;
    while (m->high_end > m->high && m->highs[m->high_end - 1].price <= price) m->high_end--;
    m->highs[m->high_end++] = (struct print){time_s, price};
    while (m->highs[m->high].time_s <= edge_s) m->high++;
    double low = m->lows[m->low].price, high = m->highs[m->high].price;
    int moved = price >= low * (1.05 * (1 - 1e-12)) || price <= high * (0.95 * (1 + 1e-12));
    int fired = moved && !m->held;
    m->held = moved || (m->held && m->first_s > edge_s);
    return fired;
}

void moves_end(struct moves *m) {
    free(m->lows);
    free(m->highs);
    free(m);
}

void moves(const double *times, const double *prices, long count, double window_s, char *fired) {
    struct moves *m = moves_begin(count, window_s);
    for (long at = 0; at < count; at++) fired[at] = moves_hear(m, times[at], prices[at]);
    moves_end(m);
}
