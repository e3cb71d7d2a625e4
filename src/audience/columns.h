/* Which column of a file becomes which attribute, private to src/audience. */
#pragma once
#include "hayauma/audience/import.h"
#include "hayauma/base/arena.h"

struct columns {
    struct hy_arena arena;
    struct hy_import_column *items;
    size_t n;
    size_t email; /* index of the column with the addresses; SIZE_MAX: none, but ids */
    bool has_ids;
};

/* Reads the header row, or makes up names for `header` false, where `first` is the first row of
 * data. HY_EINVAL with a note: no address column, a mapped column that is not there, two columns
 * mapped to one attribute. HY_ENOMEM. */
HY_MUST_USE int hy_columns_make(struct columns *c, const struct hy_csv_row *first, bool has_header,
                                const struct hy_import_map *map, size_t n_map,
                                struct hy_diag *diag);
void hy_columns_free(struct columns *c);
/* "ext:SYSTEM", "line:" or "phone:", at most HY_ATTR_NAME_MAX bytes: what a column of ids is mapped
 * to. */
bool hy_columns_is_id(struct hy_str attr);
