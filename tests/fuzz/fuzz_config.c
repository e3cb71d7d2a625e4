/* The configuration reader: libyaml, the tree, the schema, the checks. What is accepted must dump
 * and read back. */
#include <stddef.h>
#include <stdlib.h>

#include "hayauma/config/config.h"
#include "hayauma/config/shaping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hy_problems p = {0};
    struct hy_config *c = NULL, *again = NULL;
    struct hy_shape_rules *rules = NULL;
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
    if (hy_shaping_parse("/fuzz.yaml", text, &p, &rules) == 0)
        hy_shaping_free(rules);
    hy_config_unref(c);
    hy_config_unref(again);
    hy_problems_free(&p);
    return 0;
}
