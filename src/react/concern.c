/* Leads to whom something happened: a table of limited size, hashed by their numbers. */
#include "concern.h"

#include <stdlib.h>
#include <string.h>

#include "hayauma/base/err.h"

enum { SLOTS = 2 * CONCERNS_MAX };

int concerns_new(size_t segments, struct concerns *ret)
{
    struct concerns c = {.words = segments / 64 + 1};
    c.leads = calloc(CONCERNS_MAX, sizeof *c.leads);
    c.bits = calloc(CONCERNS_MAX * c.words, sizeof *c.bits);
    c.slots = calloc(SLOTS, sizeof *c.slots);
    if (!c.leads || !c.bits || !c.slots) {
        concerns_free(&c);
        return HY_ENOMEM;
    }
    *ret = c;
    return HY_OK;
}

void concerns_free(struct concerns *c)
{
    free(c->leads);
    free(c->bits);
    free(c->slots);
    *c = (struct concerns){0};
}

/* Fibonacci hashing; a lead that collides takes the next slot. */
static uint16_t *slot_of(const struct concerns *c, hy_lead_no lead)
{
    size_t at = (lead * UINT32_C(2654435769)) >> 16;
    for (at %= SLOTS; c->slots[at] && c->leads[c->slots[at] - 1] != lead; at = (at + 1) % SLOTS)
        ;
    return &c->slots[at];
}

uint64_t *concerns_of(struct concerns *c, hy_lead_no lead)
{
    uint16_t *slot = slot_of(c, lead);
    if (*slot == 0) {
        if (c->n == CONCERNS_MAX)
            return NULL;
        memset(c->bits + c->n * c->words, 0, c->words * sizeof *c->bits);
        c->leads[c->n++] = lead;
        *slot = (uint16_t)c->n;
    }
    return c->bits + (size_t)(*slot - 1) * c->words;
}

bool concerns_any(const struct concerns *c, const uint64_t *bits)
{
    for (size_t i = 0; i < c->words; i++)
        if (bits[i])
            return true;
    return false;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

void concerns_sort(const struct concerns *c, uint16_t *order)
{
    uint64_t pairs[CONCERNS_MAX]; /* number, place */
    for (size_t i = 0; i < c->n; i++)
        pairs[i] = (uint64_t)c->leads[i] << 16 | i;
    qsort(pairs, c->n, sizeof *pairs, by_number);
    for (size_t i = 0; i < c->n; i++)
        order[i] = (uint16_t)pairs[i];
}

void concerns_clear(struct concerns *c)
{
    if (c->n)
        memset(c->slots, 0, SLOTS * sizeof *c->slots);
    c->n = 0;
}
