/* B9: what segments cost. Makes LEADS leads with a click each, counts what expressions mean from
 * scratch, then has 100 segments follow activities and tells what that adds to each. Usage:
 * segment_cost DIR [LEADS [make]]; prints JSON. A store that has leads is filled up to LEADS; with
 * "make" that is all. About 200 bytes of disk a lead, at most BYTES_A_LEAD. */
#include <inttypes.h>
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/react/segment_edit.h"
#include "hayauma/react/segment_search.h"
#include "hayauma/react/segments.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/lead_edit.h"

enum { BYTES_A_LEAD = 1000, BYTES_AT_LEAST = 1 << 30 };
enum { A_COMMIT = 5000, SEGMENTS = 100, NOTED = 50000, A_GROUP = 100, DAYS = 60 };
static const struct hy_facts_options options = {0};

struct world {
    struct hy_env *env;
    struct hy_rng rng;
    hy_lead_no leads, had; /* wanted; there already */
    hy_wall_ms now;
};

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "segment_cost: %s: %s\n", what, hy_err_name(err));
    exit(1);
}

static double since(hy_us began)
{
    return (double)(hy_clock_us() - began) / 1e6;
}

static void begin(struct world *w, struct hy_txn *t)
{
    must(hy_txn_write(w->env, t), "transaction");
    t->now = w->now;
}

static void make_lead(struct world *w, struct hy_txn *t, uint32_t i)
{
    char address[40], age[8], country[8];
    struct hy_diag diag = {""};
    struct hy_lead_edit_result r;
    snprintf(address, sizeof address, "p%" PRIu32 "@d%" PRIu32 ".test", i, i % 997);
    snprintf(age, sizeof age, "%u", 18 + (unsigned)hy_rng_below(&w->rng, 70));
    snprintf(country, sizeof country, "c%u", (unsigned)hy_rng_below(&w->rng, 20));
    const struct hy_lead_edit_attr attrs[] = {{HY_STR("age"), hy_str_of(age)},
                                              {HY_STR("country"), hy_str_of(country)}};
    struct hy_lead_edit e = {
        .address = hy_str_of(address), .attrs = attrs, .n_attrs = 2, .by = HY_STR("bench")};
    must(hy_lead_edit(t, &e, &r, &diag), diag.text);
}

static struct hy_activity click(struct world *w, hy_lead_no lead, hy_wall_ms at)
{
    return (struct hy_activity){.kind = HY_ACTIVITY_CLICK,
                                .flags = HY_ACTIVITY_COUNTED,
                                .lead = lead,
                                .campaign = 1 + hy_rng_below(&w->rng, 10),
                                .link = 1 + (uint32_t)hy_rng_below(&w->rng, 10),
                                .at = at};
}

static void look_around(struct world *w)
{
    struct hy_txn t;
    hy_lead_no next = 0;
    must(hy_txn_read(w->env, &t), "snapshot");
    must(hy_lead_next_no(&t, &next), "leads");
    hy_txn_end(&t);
    w->had = next ? next - 1 : 0;
}

static void make_leads(struct world *w)
{
    for (uint32_t i = w->had + 1; i <= w->leads;) {
        struct hy_txn t;
        begin(w, &t);
        for (unsigned k = 0; k < A_COMMIT && i <= w->leads; k++, i++) {
            hy_wall_ms age = (hy_wall_ms)hy_rng_below(&w->rng, DAYS * UINT64_C(86400000));
            struct hy_activity a = click(w, i, w->now - age);
            make_lead(w, &t, i);
            must(hy_activity_put(&t, &a), "click");
        }
        must(hy_txn_commit(&t), "commit");
    }
}

/* From scratch, on one thread. */
static void count(struct world *w, const char *name, const char *text)
{
    const struct hy_segment_search o = {.facts = options, .now = w->now};
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    struct hy_diag diag = {""};
    const struct hy_segment_node *tree;
    struct hy_segment_found found = {0};
    struct hy_txn t;
    must(hy_segment_parse(hy_str_of(text), &arena, &diag, &tree), diag.text);
    must(hy_txn_read(w->env, &t), "snapshot");
    hy_us began = hy_clock_us();
    must(hy_segment_find_all(&t, tree, &o, &found, &diag), diag.text);
    double s = since(began);
    printf(",\"%s\":{\"s\":%.3f,\"members\":%" PRIu64 "}", name, s,
           roaring_bitmap_get_cardinality(found.leads));
    hy_txn_end(&t);
    hy_segment_found_free(&found);
    hy_arena_free(&arena);
}

/* Segments of which most are concerned by a click; they are ready at once, and fill as leads act:
 * what a look costs does not hang on who is in them. */
static void make_segments(struct world *w)
{
    struct hy_txn t;
    begin(w, &t);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        char name[16], text[200];
        struct hy_diag diag = {""};
        struct hy_segment s;
        hy_segment_no no;
        snprintf(name, sizeof name, "s%u", i);
        snprintf(text, sizeof text,
                 "clicked(within %ud) >= %u and (age >= %u or country = \"c%u\")", 1 + i % 60,
                 1 + i % 3, 20 + i % 50, i % 20);
        const struct hy_segment_edit e = {.name = hy_str_of(name),
                                          .text = hy_str_of(text),
                                          .is_either = true,
                                          .announces = -1,
                                          .who = HY_STR("bench")};
        must(hy_segment_edit(&t, &e, &no, &diag), diag.text);
        must(hy_segment_read(&t, no, &s), "segment");
        s.state = HY_SEGMENT_READY;
        must(hy_segment_save(&t, &s), "segment");
    }
    must(hy_txn_commit(&t), "commit");
}

/* Microseconds an activity, with its share of the commit. */
static double note(struct world *w, struct hy_segments *s)
{
    double spent = 0;
    for (unsigned done = 0; done < NOTED; done += A_GROUP) {
        struct hy_txn t;
        hy_us began = hy_clock_us();
        begin(w, &t);
        for (unsigned i = 0; i < A_GROUP; i++) {
            struct hy_activity a =
                click(w, 1 + (hy_lead_no)hy_rng_below(&w->rng, w->leads), w->now);
            must(hy_activity_put(&t, &a), "click");
            if (s)
                must(hy_segments_note(&t, s, &a, false), "note");
        }
        if (s)
            must(hy_segments_look(&t, s, NULL), "look");
        must(hy_txn_commit(&t), "commit");
        spent += since(began);
    }
    return spent * 1e6 / NOTED;
}

int main(int argc, char **argv)
{
    struct hy_env_options o = {.data_dir = argc > 1 ? argv[1] : "", .mode = HY_ENV_OWNER};
    struct world w = {.leads = argc > 2 ? (hy_lead_no)strtoul(argv[2], NULL, 10) : 1000000};
    struct hy_segments_meter meter = {0};
    struct hy_segments *s = NULL;
    struct hy_diag diag = {""};
    if (argc < 2 || w.leads == 0 || w.leads > 20000000) {
        fprintf(stderr, "usage: segment_cost DIR [LEADS [make]]\n");
        return 2;
    }
    o.map_bytes = BYTES_AT_LEAST + (uint64_t)BYTES_A_LEAD * w.leads; /* full beyond that */
    must(hy_env_open(&o, &w.env, &diag), diag.text);
    hy_rng_seed(&w.rng, 9);
    w.now = hy_clock_wall_ms();
    look_around(&w);
    hy_us began = hy_clock_us();
    make_leads(&w);
    struct hy_env_stats stats;
    must(hy_env_stats(w.env, &stats), "stats");
    printf("{\"leads\":%" PRIu32 ",\"made\":%" PRIu32 ",\"made_s\":%.1f,\"store_bytes\":%" PRIu64,
           w.leads, w.leads > w.had ? w.leads - w.had : 0, since(began),
           stats.file_bytes - stats.free_bytes);
    if (argc > 3) {
        printf("}\n");
        hy_env_close(w.env);
        return 0;
    }
    count(&w, "attributes", "age >= 40 and country = \"c3\"");
    count(&w, "activities", "clicked(link: 3, within 30d)");
    count(&w, "both", "age >= 40 and clicked(within 30d) and not clicked(within 7d)");
    double alone = note(&w, NULL);
    make_segments(&w);
    must(hy_segments_new(&options, &meter, &s), "segments");
    double both = note(&w, s);
    printf(",\"activity_us\":%.1f,\"with_segments_us\":%.1f,\"segments\":%d,\"looks\":%.1f}\n",
           alone, both, SEGMENTS, (double)atomic_load(&meter.looks) / NOTED);
    hy_segments_free(s);
    hy_env_close(w.env);
    return 0;
}
