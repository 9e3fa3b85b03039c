/* The ten rules of a symbol of W2 and W4, all prints of all symbols in one call. Cents are whole, so comparisons are exact. */
#include <stdlib.h>
#include <string.h>

#define EDGE_S 1e-6

typedef struct { double window_s; long start; long long total, squares; } Total;
typedef struct { double window_s; long low, low_end, high, high_end; long *lows, *highs; } Channel;
typedef struct {
    long count;
    double *times;
    long long *cents;
    long long high, low, inner, outer;
    Total tens, minute, five;
    Channel near, far;
    long before;
    signed char known[10];
} Symbol;

typedef struct { double tens, minute, five; long long high, low, inner, outer; long room; } Rules;

static void add(Total *total, const Symbol *of, long at) {
    long long cents = of->cents[at];
    double start_s = of->times[at] - total->window_s + EDGE_S;
    total->total += cents;
    total->squares += cents * cents;
    while (of->times[total->start] <= start_s) {
        long long gone = of->cents[total->start++];
        total->total -= gone;
        total->squares -= gone * gone;
    }
}

static void push(Channel *channel, const Symbol *of, long at) {
    long long cents = of->cents[at];
    double start_s = of->times[at] - channel->window_s + EDGE_S;
    while (channel->low_end > channel->low && of->cents[channel->lows[channel->low_end - 1]] >= cents) channel->low_end--;
    channel->lows[channel->low_end++] = at;
    while (of->times[channel->lows[channel->low]] <= start_s) channel->low++;
    while (channel->high_end > channel->high && of->cents[channel->highs[channel->high_end - 1]] <= cents) channel->high_end--;
    channel->highs[channel->high_end++] = at;
    while (of->times[channel->highs[channel->high]] <= start_s) channel->high++;
}

/* known: -1 nothing yet, 0 false, 1 true; truth the same. `early`: a first truth fires too. */
static int edge(signed char *known, int truth, int early) {
    signed char before = *known;
    if (truth < 0) return 0;
    *known = (signed char)truth;
    return truth && (before == 0 || (before < 0 && early));
}

static int moves(const Channel *channel, const Symbol *of, long long cents, int percent, int full) {
    long long low = of->cents[channel->lows[channel->low]], high = of->cents[channel->highs[channel->high]];
    if (cents * 100 >= low * (100 + percent) || cents * 100 <= high * (100 - percent)) return 1;
    return full ? 0 : -1;
}

static int outlying(const Total *total, long end, long long cents, int full, int flat) {
    __int128 count = end - total->start, spread, distance;
    if (!full || count < 2) return -1;
    spread = count * total->squares - (__int128)total->total * total->total;
    if (!spread) return flat;
    distance = count * cents - total->total;
    return distance > 0 && distance * distance * (count - 1) > 9 * count * spread;
}

static void tick(Symbol *of, double time_s, long long cents, unsigned char *fired) {
    long at = of->count++;
    int full_minute, full_five, truth;
    of->times[at] = time_s;
    of->cents[at] = cents;
    add(&of->tens, of, at);
    add(&of->minute, of, at);
    add(&of->five, of, at);
    push(&of->near, of, at);
    push(&of->far, of, at);
    full_minute = of->times[0] <= time_s - of->minute.window_s + EDGE_S;
    full_five = of->times[0] <= time_s - of->five.window_s + EDGE_S;
    fired[0] = (unsigned char)edge(&of->known[0], cents >= of->high, 0);
    fired[1] = (unsigned char)edge(&of->known[1], cents <= of->low, 0);
    fired[2] = (unsigned char)edge(&of->known[2], moves(&of->near, of, cents, 2, full_minute), 1);
    fired[3] = (unsigned char)edge(&of->known[3], moves(&of->far, of, cents, 3, full_five), 1);
    truth = full_minute ? of->tens.total * (at + 1 - of->minute.start) >= of->minute.total * (at + 1 - of->tens.start) : -1;
    fired[4] = (unsigned char)edge(&of->known[4], truth, 0);
    fired[5] = (unsigned char)edge(&of->known[5], outlying(&of->five, at + 1, cents, full_five, 0), 0);
    fired[6] = (unsigned char)edge(&of->known[6], outlying(&of->minute, at + 1, cents, full_minute, -1), 0);
    fired[7] = (unsigned char)edge(&of->known[7], of->inner <= cents && cents <= of->outer, 0);
    truth = of->cents[of->far.highs[of->far.high]] * 100 > 102 * of->cents[of->far.lows[of->far.low]];
    fired[8] = (unsigned char)edge(&of->known[8], full_five ? truth : -1, 0);
    while (of->times[of->before] <= time_s - of->minute.window_s + EDGE_S) of->before++;
    truth = of->before ? cents * 100 >= of->cents[of->before - 1] * 102 : -1;
    fired[9] = (unsigned char)edge(&of->known[9], truth, 0);
}

static void open_channel(Channel *channel, double window_s, long room) {
    channel->window_s = window_s;
    channel->lows = malloc(sizeof(long) * (size_t)room);
    channel->highs = malloc(sizeof(long) * (size_t)room);
}

/* `fired` has ten bytes a print. */
void mix(const Rules *rules, long symbols, const int *whose, const double *times, const long long *cents, long count,
         unsigned char *fired) {
    Symbol *book = calloc((size_t)symbols, sizeof(Symbol));
    for (long number = 0; number < symbols; number++) {
        Symbol *of = &book[number];
        const Rules *rule = &rules[number];
        of->times = malloc(sizeof(double) * (size_t)rule->room);
        of->cents = malloc(sizeof(long long) * (size_t)rule->room);
        of->high = rule->high, of->low = rule->low, of->inner = rule->inner, of->outer = rule->outer;
        of->tens.window_s = rule->tens, of->minute.window_s = rule->minute, of->five.window_s = rule->five;
        open_channel(&of->near, rule->minute, rule->room);
        open_channel(&of->far, rule->five, rule->room);
        memset(of->known, -1, sizeof of->known);
    }
    for (long number = 0; number < count; number++) tick(&book[whose[number]], times[number], cents[number], fired + 10 * number);
    for (long number = 0; number < symbols; number++) {
        Symbol *of = &book[number];
        free(of->times), free(of->cents), free(of->near.lows), free(of->near.highs), free(of->far.lows), free(of->far.highs);
    }
    free(book);
}
