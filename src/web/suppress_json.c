/* An entry of the suppression list as JSON. */
#include "hayauma/web/suppress_json.h"

/* Words of servers may be any bytes. */
static json_t *text(struct hy_str s)
{
    json_t *j = s.n ? json_stringn(s.p, s.n) : json_null();
    return j ? j : json_string("(not UTF-8)");
}

json_t *hy_suppress_entry_json(struct hy_suppress_names *n, struct hy_txn *t,
                               const struct hy_suppress_entry *e)
{
    struct hy_suppress_fields fields;
    json_t *o = json_object();
    hy_suppress_fields_of(n, t, e, &fields);
    for (int c = 0; c < HY_SUPPRESS_COLS; c++)
        json_object_set_new(o, hy_suppress_column_name((enum hy_suppress_column)c),
                            text(fields.f[c]));
    json_object_set_new(o, "domain", json_boolean(e->is_domain));
    return o;
}
