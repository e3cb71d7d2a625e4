/* A learned result as JSON. */
#include <math.h>

#include "hayauma/base/json_put.h"
#include "hayauma/score/learn.h"

static void put_rules(struct hy_buf *out, const struct hy_learn_result *r)
{
    hy_buf_add_lit(out, ",\"rules\":[");
    for (size_t i = 0; i < r->n_rules; i++) {
        const struct hy_learn_rule *one = &r->rules[i];
        hy_buf_printf(out, "%s{\"%s\":", i ? "," : "", one->is_deed ? "on" : "when");
        hy_json_put_str(out, hy_str_of(one->condition));
        hy_buf_printf(
            out, ",\"points\":%d,\"coefficient\":%.6f,\"odds\":%.6f,\"people\":%u,\"good\":%u",
            one->points, one->coefficient, exp(one->coefficient), one->people, one->goods);
        if (one->is_deed)
            hy_buf_printf(out, ",\"times\":%u,\"within_s\":%u", one->most, one->most_per_s);
        hy_buf_add_c(out, '}');
    }
    hy_buf_add_c(out, ']');
}

static void put_warnings(struct hy_buf *out, const struct hy_learn_result *r)
{
    struct hy_diag warnings[HY_LEARN_WARNINGS] = {{""}};
    size_t n = hy_learn_warnings(r, warnings);
    hy_buf_add_lit(out, ",\"warnings\":[");
    for (size_t i = 0; i < n; i++) {
        hy_buf_add_str(out, i ? HY_STR(",") : HY_STR(""));
        hy_json_put_str(out, hy_str_of(warnings[i].text));
    }
    hy_buf_add_c(out, ']');
}

void hy_learn_put_json(struct hy_buf *out, const struct hy_learn_result *r, const char *const *head,
                       size_t n_head)
{
    struct hy_buf file = HY_BUF_INIT(HY_LEARN_FILE_MAX);
    hy_buf_printf(
        out,
        "{\"people\":%lu,\"good\":%lu,\"learned\":%lu,\"learned_good\":%lu,\"judged\":%lu,"
        "\"judged_good\":%lu,\"auc\":%.6f,\"auc_low\":%.6f,\"auc_high\":%.6f,"
        "\"auc_of_weights\":%.6f,\"slope\":%.6f,\"best_tenth\":%.6f,\"base\":%.6f,\"hot\":%d,"
        "\"half_life_s\":%u,\"penalty\":%g,\"bands\":[",
        r->people, r->goods, r->learned, r->learned_goods, r->judged, r->judged_goods, r->auc,
        r->low, r->high, r->auc_of_weights, r->slope, r->best_tenth, r->base, r->hot,
        r->half_life_s, r->penalty);
    for (size_t i = 0; i < HY_LEARN_BANDS; i++)
        hy_buf_printf(out, "%s{\"from\":%.3f,\"people\":%lu,\"expected\":%.6f,\"got\":%.6f}",
                      i ? "," : "", r->bands[i].from, r->bands[i].people, r->bands[i].expected,
                      r->bands[i].got);
    hy_buf_add_c(out, ']');
    put_rules(out, r);
    put_warnings(out, r);
    hy_learn_put_rules(&file, r, head, n_head);
    hy_buf_add_lit(out, ",\"file\":");
    hy_json_put_str(out, hy_buf_str(&file));
    hy_buf_add_c(out, '}');
    if (file.err && !out->err)
        out->err = file.err;
    hy_buf_free(&file);
}
