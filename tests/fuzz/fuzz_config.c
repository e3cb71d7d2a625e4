/* The configuration reader: libyaml, the tree, the schema, the checks. What is accepted must dump
 * and read back. */
#include <stddef.h>
#include <stdlib.h>

#include "hayauma/config/config.h"
#include "hayauma/config/shaping.h"
#include "hayauma/shape/reply_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two files of rules, divided by a byte 0xff; what is accepted must dump and read back, with as
 * many rules and patterns, and every rule must be askable. */
static void shaping(struct hy_str text)
{
    struct hy_problems p = {0};
    struct hy_shape_rules *rules, *again;
    size_t cut = hy_str_find(text, (char)0xff, 0);
    struct hy_shaping_layer layers[2] = {{"/presets.yaml", hy_str_slice(text, 0, cut)},
                                         {"/own.yaml", hy_str_slice(text, cut, text.n)}};
    size_t n = cut < text.n ? 2 : 1;
    if (n == 2)
        layers[1].text = hy_str_slice(text, cut + 1, text.n);
    if (hy_shaping_parse(layers, n, &p, &rules) == 0) {
        struct hy_buf out = HY_BUF_INIT(64u << 20);
        struct hy_outcome o = {.code = 421, .from_server = true, .text = HY_STR("4.7.0 too fast")};
        hy_shaping_dump(rules, &out);
        struct hy_shaping_layer dumped = {"/dump.yaml", hy_buf_str(&out)};
        if (out.err == 0) {
            int err = hy_shaping_parse(&dumped, 1, &p, &again);
            if (err != 0 && n == 1) /* rules that another file's make dead are an error in one */
                abort();
            for (size_t i = 0; err == 0 && i < rules->n_rules; i++)
                if (again->n_rules != rules->n_rules ||
                    again->rules[i].n_replies != rules->rules[i].n_replies)
                    abort();
            if (err == 0)
                hy_shaping_free(again);
        }
        for (size_t i = 0; i < rules->n_rules; i++)
            (void)hy_reply_rules_match(rules->rules[i].on, &o);
        hy_buf_free(&out);
        hy_shaping_free(rules);
    } else if (p.n_errors == 0) {
        abort();
    }
    hy_problems_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_problems p = {0};
    struct hy_config *c = NULL, *again = NULL;
    struct hy_str text = hy_str_make(data, size);
    if (hy_config_parse("/fuzz.yaml", text, &p, &c) == 0) {
        struct hy_buf out = HY_BUF_INIT(64u << 20);
        hy_config_dump(c, &out);
        if (out.err == 0 && hy_config_parse("/fuzz.yaml", hy_buf_str(&out), &p, &again) != 0)
            abort();
        hy_buf_free(&out);
    } else if (p.n_errors == 0) {
        abort();
    }
    shaping(text);
    hy_config_unref(c);
    hy_config_unref(again);
    hy_problems_free(&p);
    return 0;
}
