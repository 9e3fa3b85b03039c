/* `S moves 5% in 5m` in C: what is left when nothing but the arithmetic is. Prints in, 1 at each that fires. */

#include <stdlib.h>

struct print { double time_s, price; };

void moves(const double *times, const double *prices, long count, double window_s, char *fired) {
    struct print *lows = malloc(count * sizeof *lows), *highs = malloc(count * sizeof *highs);
    long low = 0, low_end = 0, high = 0, high_end = 0;
    int held = 0;
    for (long at = 0; at < count; at++) {
        double time_s = times[at], price = prices[at], edge_s = time_s - window_s;
        while (low_end > low && lows[low_end - 1].price >= price) low_end--;
        lows[low_end++] = (struct print){time_s, price};
        while (lows[low].time_s <= edge_s) low++;
        while (high_end > high && highs[high_end - 1].price <= price) high_end--;
        highs[high_end++] = (struct print){time_s, price};
        while (highs[high].time_s <= edge_s) high++;
        int moved = price >= lows[low].price * (1.05 * (1 - 1e-12)) || price <= highs[high].price * (0.95 * (1 + 1e-12));
        fired[at] = moved && !held;
        held = moved || (held && times[0] > edge_s);
    }
    free(lows);
    free(highs);
}
