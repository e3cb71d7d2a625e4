/* Weighted rendezvous hashing: with u uniform in (0, 1), -ln(u) / weight is exponentially
 * distributed with the weight as its rate, and the least of several such draws is that of one
 * member with a chance of weight / all weights. */
#include "hayauma/shape/spread.h"

#include <math.h>

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves all others.
 */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t hy_spread_seed(struct hy_str name)
{
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < name.n; i++)
        h = mix(h ^ (uint8_t)name.p[i]) + 0x9e3779b97f4a7c15u;
    return h;
}

static double draw(const struct hy_spread_member *m, uint64_t lead)
{
    uint64_t bits = mix(m->seed ^ mix(lead + 0x9e3779b97f4a7c15u));
    double u = ((double)(bits >> 11) + 0.5) * 0x1p-53; /* never 0 or 1 */
    return -log(u) / (double)m->weight;
}

size_t hy_spread_choose(const struct hy_spread_member *members, size_t n, const bool *may,
                        uint64_t lead)
{
    size_t best = SIZE_MAX;
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        double d = may && !may[i] ? INFINITY : draw(&members[i], lead);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}
