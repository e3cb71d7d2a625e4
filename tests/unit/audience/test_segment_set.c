#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/audience/segment_set.h"
#include "hayauma/base/rand.h"

enum { LEADS = 3000, ATTRIBUTES = 6 };

/* Attribute i of lead n is one digit; some leads do not exist. */
struct world {
    char digits[LEADS][ATTRIBUTES];
    bool is_there[LEADS];
    roaring_bitmap_t *everyone, *kept;
    unsigned asked;
    hy_lead_no lead; /* who is asked about */
};

static struct world world;

static struct hy_str attribute(void *ctx, struct hy_str name)
{
    struct world *w = ctx;
    return hy_str_make(&w->digits[w->lead][name.p[0] - 'a'], 1);
}

static bool is_member(void *ctx, enum hy_segment_group group, struct hy_str name)
{
    struct world *w = ctx;
    (void)group;
    (void)name;
    return w->lead % 3 == 0;
}

static struct hy_segment_facts facts(struct world *w)
{
    return (struct hy_segment_facts){.ctx = w, .attribute = attribute, .is_member = is_member};
}

/* Of members a set that is kept; of all others one made for the asker. */
static int leaf(void *ctx, const struct hy_segment_node *n, struct hy_segment_leads *ret)
{
    struct world *w = ctx;
    struct hy_segment_facts f = facts(w);
    w->asked++;
    if (n->kind == HY_SEGMENT_MEMBER) {
        ret->leads = w->kept;
        return HY_OK;
    }
    ret->leads = ret->owned = roaring_bitmap_create();
    for (w->lead = 0; w->lead < LEADS; w->lead++)
        if (w->is_there[w->lead] && hy_segment_is_true(n, &f))
            roaring_bitmap_add(ret->owned, w->lead);
    return HY_OK;
}

static void setup(void)
{
    struct hy_rng rng;
    hy_rng_seed(&rng, 11);
    world.everyone = roaring_bitmap_create();
    world.kept = roaring_bitmap_create();
    for (hy_lead_no n = 0; n < LEADS; n++) {
        for (int i = 0; i < ATTRIBUTES; i++)
            world.digits[n][i] = (char)('0' + hy_rng_below(&rng, 4));
        world.is_there[n] = hy_rng_below(&rng, 10) > 0;
        if (world.is_there[n])
            roaring_bitmap_add(world.everyone, n);
        if (world.is_there[n] && n % 3 == 0)
            roaring_bitmap_add(world.kept, n);
    }
    world.asked = 0;
}

static void teardown(void)
{
    roaring_bitmap_free(world.everyone);
    roaring_bitmap_free(world.kept);
}

TestSuite(segment_set, .init = setup, .fini = teardown);

static roaring_bitmap_t *set_of(const char *text, struct hy_arena *a, bool does_compare)
{
    struct hy_segment_leaves leaves = {&world, leaf, world.everyone};
    struct hy_segment_facts f = facts(&world);
    struct hy_diag diag = {0};
    const struct hy_segment_node *n;
    roaring_bitmap_t *set;
    cr_assert_eq(hy_segment_parse(hy_str_of(text), a, &diag, &n), HY_OK, "%s: %s", text, diag.text);
    cr_assert_eq(hy_segment_set(n, &leaves, &set), HY_OK);
    for (world.lead = 0; does_compare && world.lead < LEADS; world.lead++) {
        bool expected = world.is_there[world.lead] && hy_segment_is_true(n, &f);
        cr_assert_eq(roaring_bitmap_contains(set, world.lead), expected, "%s: lead %u", text,
                     world.lead);
    }
    return set;
}

/* A random tree as text. */
static void put_tree(struct hy_rng *rng, unsigned depth, char **at, const char *end)
{
    unsigned kind = (unsigned)hy_rng_below(rng, depth ? 6 : 2);
    if (kind < 2) {
        *at += kind ? snprintf(*at, (size_t)(end - *at), "tag(\"x\")")
                    : snprintf(*at, (size_t)(end - *at), "%c >= %u",
                               (char)('a' + hy_rng_below(rng, ATTRIBUTES)),
                               (unsigned)hy_rng_below(rng, 5));
        return;
    }
    *at += snprintf(*at, (size_t)(end - *at), kind == 2 ? "not (" : "(");
    put_tree(rng, depth - 1, at, end);
    for (unsigned n = kind == 2 ? 0 : 1 + (unsigned)hy_rng_below(rng, 3); n > 0; n--) {
        *at += snprintf(*at, (size_t)(end - *at), kind % 2 ? " and " : " or ");
        put_tree(rng, depth - 1, at, end);
    }
    *at += snprintf(*at, (size_t)(end - *at), ")");
}

Test(segment_set, holds_whom_the_segment_is_true_of)
{
    struct hy_rng rng;
    uint64_t kept = roaring_bitmap_get_cardinality(world.kept);
    hy_rng_seed(&rng, 5);
    for (int i = 0; i < 300; i++) {
        char text[HY_SEGMENT_TEXT_MAX], *at = text;
        struct hy_arena a = HY_ARENA_INIT(1 << 22);
        put_tree(&rng, 4, &at, text + sizeof text);
        roaring_bitmap_free(set_of(text, &a, true));
        hy_arena_free(&a);
    }
    cr_expect_eq(roaring_bitmap_get_cardinality(world.kept), kept, "what is kept is not changed");
}

Test(segment_set, asks_no_more_when_nobody_is_left)
{
    struct hy_arena a = HY_ARENA_INIT(1 << 22);
    roaring_bitmap_t *set = set_of("a > 9 and b = 1 and c = 1", &a, false);
    cr_expect(roaring_bitmap_is_empty(set));
    cr_expect_eq(world.asked, 1);
    roaring_bitmap_free(set);
    set = set_of("a >= 0 or b = 1 or not a > 9", &a, false);
    cr_expect(roaring_bitmap_equals(set, world.everyone));
    roaring_bitmap_free(set);
    hy_arena_free(&a);
}

static int fail_second(void *ctx, const struct hy_segment_node *n, struct hy_segment_leads *ret)
{
    struct world *w = ctx;
    return w->asked == 1 ? HY_EIO : leaf(ctx, n, ret);
}

Test(segment_set, ends_with_the_fault_of_a_condition)
{
    struct hy_segment_leaves leaves = {&world, fail_second, world.everyone};
    struct hy_arena a = HY_ARENA_INIT(1 << 22);
    const struct hy_segment_node *n;
    roaring_bitmap_t *set;
    cr_assert_eq(hy_segment_parse(HY_STR("a = 1 and not (b = 1 or c = 2)"), &a, NULL, &n), HY_OK);
    cr_expect_eq(hy_segment_set(n, &leaves, &set), HY_EIO);
    hy_arena_free(&a);
}
