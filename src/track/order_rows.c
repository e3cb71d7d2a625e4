/* Lines of a file as orders: those that follow each other with the same number are one.
 *
 * Lines gather in a group until another number comes; then the group is an order, or, when one of
 * its lines is at fault, each of its lines is refused: an order without one of its items would be
 * another order. A line whose number cannot be read may be of the order before or behind it: both
 * are refused. In files without items each line is an order of its own. */
#include "order_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/track/order.h"

enum { GROUP_BYTES = 4 << 20, WORDS_BYTES = 64 << 10, NO_FAULT = -1 };

struct line {
    uint64_t no;
    struct hy_str column, reason, value; /* of the one at fault */
};

struct group {
    struct hy_arena arena; /* what the rest points into */
    struct line lines[HY_ORDER_LINES_MAX];
    size_t n_lines;
    int fault;                             /* index of the first line at fault */
    struct hy_str values[FIELDS_OF_ORDER]; /* the first that was said */
    size_t line_of[FIELDS_OF_ORDER];       /* which line said it */
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    size_t n_items;
};

struct hy_order_rows {
    struct hy_sheet *sheet;
    struct order_reading reading;
    struct hy_arena words;
    bool has_items; /* columns of them */
    bool is_checked, is_ended;
    bool is_doubtful; /* a line that could not be read may be of the next order */
    struct group group;
    bool is_giving; /* the group's lines are being refused, from: */
    size_t give;
    bool has_held; /* a row of the next group */
    struct hy_sheet_row held;
};

/* ---- making ---- */

static int copy_words(struct hy_order_rows *r, const struct hy_order_rows_options *o)
{
    struct hy_order_word *words = hy_arena_zalloc(&r->words, (o->n_words + 1) * sizeof *words);
    if (!words || o->n_words > HY_ORDER_WORDS_MAX)
        return words ? HY_ELIMIT : HY_ENOMEM;
    for (size_t i = 0; i < o->n_words; i++) {
        words[i] =
            (struct hy_order_word){hy_arena_str(&r->words, o->words[i].word), o->words[i].state};
        if (!words[i].word.p)
            return HY_ENOMEM;
    }
    r->reading = (struct order_reading){.zone = o->zone,
                                        .system = hy_arena_str(&r->words, o->system),
                                        .words = words,
                                        .n_words = o->n_words};
    memcpy(r->reading.currency, o->currency, sizeof o->currency);
    return r->reading.system.p ? HY_OK : HY_ENOMEM;
}

int hy_order_rows_new(const struct hy_order_rows_options *o, struct hy_order_rows **ret,
                      struct hy_diag *diag)
{
    const struct hy_sheet_options sheet = {.charset = o->charset,
                                           .fields = hy_order_fields,
                                           .n_fields = FIELDS_ALL,
                                           .map = o->map,
                                           .n_map = o->n_map};
    if (o->system.n > HY_ORDER_SYSTEM_MAX)
        return hy_fail(diag, HY_EINVAL, "the name of a system has at most %d bytes",
                       HY_ORDER_SYSTEM_MAX);
    struct hy_order_rows *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->words = HY_ARENA_INIT(WORDS_BYTES);
    r->group.arena = HY_ARENA_INIT(GROUP_BYTES);
    r->group.fault = NO_FAULT;
    int err = copy_words(r, o);
    if (!err)
        err = hy_sheet_new(&sheet, &r->sheet, diag);
    if (err) {
        hy_order_rows_free(r);
        return err;
    }
    *ret = r;
    return HY_OK;
}

void hy_order_rows_free(struct hy_order_rows *r)
{
    if (!r)
        return;
    hy_sheet_free(r->sheet);
    hy_arena_free(&r->group.arena);
    hy_arena_free(&r->words);
    free(r);
}

int hy_order_rows_feed(struct hy_order_rows *r, struct hy_str bytes)
{
    return hy_sheet_feed(r->sheet, bytes);
}

int hy_order_rows_end(struct hy_order_rows *r)
{
    r->is_ended = true;
    return hy_sheet_end(r->sheet);
}

struct hy_str hy_order_rows_column(const struct hy_order_rows *r, enum hy_told_by by)
{
    return hy_sheet_column(r->sheet, by == HY_TOLD_LEAD                       ? FIELD_LEAD
                                     : by == HY_TOLD_EMAIL                    ? FIELD_EMAIL
                                     : by == HY_TOLD_PHONE                    ? FIELD_PHONE
                                     : hy_sheet_has(r->sheet, FIELD_EXTERNAL) ? FIELD_EXTERNAL
                                                                              : FIELD_CUSTOMER);
}

size_t hy_order_rows_heads(const struct hy_order_rows *r, const struct hy_sheet_head **ret)
{
    return hy_sheet_heads(r->sheet, ret);
}

/* ---- gathering ---- */

static void clear(struct group *g)
{
    hy_arena_reset(&g->arena);
    memset(g->values, 0, sizeof g->values);
    g->n_lines = g->n_items = 0;
    g->fault = NO_FAULT;
}

/* The line `at` of the group is why none of it is taken. */
static int blame(struct group *g, size_t at, struct hy_str column, struct hy_str reason,
                 struct hy_str value)
{
    struct line *l = &g->lines[at];
    char shown[HY_SHEET_SHOWN_MAX];
    if (g->fault != NO_FAULT && l->reason.n)
        return HY_OK;
    l->column = hy_arena_str(&g->arena, column);
    l->reason = hy_arena_str(&g->arena, reason);
    l->value = hy_arena_str(&g->arena, hy_sheet_shown(value, shown));
    if (g->fault == NO_FAULT)
        g->fault = (int)at;
    return l->column.p && l->reason.p && l->value.p ? HY_OK : HY_ENOMEM;
}

static int take_values(struct hy_order_rows *r, const struct hy_sheet_row *row)
{
    struct group *g = &r->group;
    size_t at = g->n_lines - 1;
    char reason[96];
    int err = HY_OK;
    for (int f = 0; f < FIELDS_OF_ORDER && !err; f++) {
        struct hy_str v = row->values[f];
        if (v.n == 0 || hy_str_eq(v, g->values[f]))
            continue;
        if (g->values[f].n) {
            snprintf(reason, sizeof reason, "line %llu says something else of the same order",
                     (unsigned long long)g->lines[g->line_of[f]].no);
            return blame(g, at, hy_sheet_column(r->sheet, (size_t)f), hy_str_of(reason), v);
        }
        g->values[f] = hy_arena_str(&g->arena, v);
        g->line_of[f] = at;
        err = g->values[f].p ? HY_OK : HY_ENOMEM;
    }
    return err;
}

static int take_item(struct hy_order_rows *r, const struct hy_sheet_row *row)
{
    struct group *g = &r->group;
    struct hy_order_item x = {.quantity_milli = 0};
    enum order_field field = FIELD_PRODUCT;
    const char *reason = NULL;
    bool is_any = false;
    if (hy_order_cells_item(row->values, &x, &is_any, &field, &reason))
        return blame(g, g->n_lines - 1, hy_sheet_column(r->sheet, field), hy_str_of(reason),
                     row->values[field]);
    if (!is_any)
        return HY_OK;
    if (g->n_items == HY_PURCHASE_ITEMS_MAX)
        return blame(g, g->n_lines - 1, HY_STR(""), HY_STR("an order has at most 200 items"),
                     g->values[FIELD_ORDER]);
    x.product = hy_arena_str(&g->arena, x.product);
    x.name = hy_arena_str(&g->arena, x.name);
    x.category = hy_arena_str(&g->arena, x.category);
    g->items[g->n_items++] = x;
    return x.product.p && x.name.p && x.category.p ? HY_OK : HY_ENOMEM;
}

/* A line of the group, which has room for it. */
static int take_line(struct hy_order_rows *r, const struct hy_sheet_row *row)
{
    struct group *g = &r->group;
    struct hy_str id = row->values[FIELD_ORDER];
    g->lines[g->n_lines++] = (struct line){.no = row->line};
    if (g->n_lines == 1 && id.n && !(g->values[FIELD_ORDER] = hy_arena_str(&g->arena, id)).p)
        return HY_ENOMEM;
    if (row->reason.n)
        return blame(g, g->n_lines - 1, row->column, row->reason, row->value);
    if (id.n == 0)
        return blame(g, g->n_lines - 1, hy_sheet_column(r->sheet, FIELD_ORDER),
                     HY_STR("there is no order number"), HY_STR(""));
    int err = take_values(r, row);
    if (!err && r->is_doubtful)
        err = blame(g, g->n_lines - 1, HY_STR(""),
                    HY_STR("a line before it cannot be read and may be of this order"), id);
    r->is_doubtful = false;
    return err ? err : take_item(r, row);
}

static bool is_of_group(const struct hy_order_rows *r, const struct hy_sheet_row *row)
{
    const struct group *g = &r->group;
    if (g->n_lines == 0)
        return true;
    if (!r->has_items)
        return false;
    struct hy_str id = row->values[FIELD_ORDER];
    return id.n == 0 || hy_str_eq(id, g->values[FIELD_ORDER]);
}

/* A row that is a line of its own: the group is full, or the row is nobody's. */
static int refuse_one(struct hy_order_rows *r, const struct hy_sheet_row *row,
                      struct hy_arena *arena, struct hy_order_row *ret)
{
    bool is_whole = !row->reason.n;
    *ret = (struct hy_order_row){
        .line = row->line,
        .n_lines = 1,
        .column = hy_arena_str(arena, row->column),
        .reason =
            hy_arena_str(arena, is_whole ? HY_STR("an order has at most 250 lines") : row->reason),
        .value = hy_arena_str(arena, is_whole ? r->group.values[FIELD_ORDER] : row->value),
    };
    return ret->reason.p && ret->column.p && ret->value.p ? HY_OK : HY_ENOMEM;
}

/* ---- giving ---- */

/* The next line of a group that is refused. */
static int give_line(struct hy_order_rows *r, struct hy_arena *arena, struct hy_order_row *ret)
{
    struct group *g = &r->group;
    const struct line *l = &g->lines[r->give++];
    char why[96];
    struct hy_str reason = l->reason;
    if (!reason.n) {
        snprintf(why, sizeof why, "line %llu of the same order is refused",
                 (unsigned long long)g->lines[g->fault].no);
        reason = hy_str_of(why);
    }
    *ret = (struct hy_order_row){
        .line = l->no,
        .n_lines = 1,
        .column = hy_arena_str(arena, l->column),
        .reason = hy_arena_str(arena, reason),
        .value = hy_arena_str(arena, l->reason.n ? l->value : g->values[FIELD_ORDER]),
    };
    if (r->give == g->n_lines) {
        r->is_giving = false;
        clear(g);
    }
    return ret->reason.p && ret->column.p && ret->value.p ? HY_OK : HY_ENOMEM;
}

/* Whether it can be told as an activity. */
static bool is_short_enough(const struct hy_order *o)
{
    struct hy_buf b HY_CLEANUP(hy_buf_free) = HY_BUF_INIT(HY_ACTIVITY_META_MAX - 64);
    hy_order_write(&b, o, "cancelled");
    return b.err == 0;
}

/* The group is whole: an order, or the first of its lines that are refused. */
static int give_group(struct hy_order_rows *r, struct hy_arena *arena, struct hy_order_row *ret)
{
    struct group *g = &r->group;
    enum order_field field = FIELD_ORDER;
    const char *reason = NULL;
    struct hy_order_row row = {.line = g->lines[0].no, .n_lines = g->n_lines};
    int err = HY_OK;
    if (g->fault == NO_FAULT)
        err = hy_order_cells(&r->reading, g->values, g->items, g->n_items, r->has_items, arena,
                             &row, &field, &reason);
    if (!err && g->fault == NO_FAULT && !is_short_enough(&row.order)) {
        err = HY_EINVAL;
        reason = "its items take more than 16 KiB";
    }
    if (err == HY_EINVAL)
        err = blame(g, g->values[field].n ? g->line_of[field] : 0, hy_sheet_column(r->sheet, field),
                    hy_str_of(reason), g->values[field]);
    if (!err && g->fault == NO_FAULT) {
        uint64_t *lines = hy_arena_alloc(arena, g->n_lines * sizeof *lines);
        for (size_t i = 0; lines && i < g->n_lines; i++)
            lines[i] = g->lines[i].no;
        row.lines = lines;
        *ret = row;
        clear(g);
        return lines ? HY_OK : HY_ENOMEM;
    }
    r->is_giving = true;
    r->give = 0;
    return err ? err : give_line(r, arena, ret);
}

/* ---- the next ---- */

static int check_heads(struct hy_order_rows *r, struct hy_diag *diag)
{
    static const enum order_field whose[] = {FIELD_LEAD, FIELD_EMAIL, FIELD_EXTERNAL, FIELD_PHONE};
    static const enum order_field items[] = {FIELD_PRODUCT, FIELD_NAME, FIELD_CATEGORY,
                                             FIELD_QUANTITY, FIELD_PRICE};
    bool names_who = r->reading.system.n && hy_sheet_has(r->sheet, FIELD_CUSTOMER);
    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++)
        names_who = names_who || hy_sheet_has(r->sheet, whose[i]);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        r->has_items = r->has_items || hy_sheet_has(r->sheet, items[i]);
    r->is_checked = true;
    if (!hy_sheet_has(r->sheet, FIELD_ORDER))
        return hy_fail(diag, HY_EINVAL, "no column has the order number: --map COLUMN=order");
    if (!hy_sheet_has(r->sheet, FIELD_AT))
        return hy_fail(diag, HY_EINVAL, "no column says when an order was placed: --map COLUMN=at");
    if (!names_who)
        return hy_fail(diag, HY_EINVAL,
                       "no column says whose an order is: --map COLUMN=email, or lead, "
                       "external_id, phone, or customer with --system NAME");
    return HY_OK;
}

static int next_row(struct hy_order_rows *r, struct hy_sheet_row *ret, struct hy_diag *diag)
{
    if (r->has_held) {
        *ret = r->held;
        r->has_held = false;
        return HY_OK;
    }
    int err = hy_sheet_next(r->sheet, ret, diag);
    return err == HY_OK && !r->is_checked ? check_heads(r, diag) : err;
}

int hy_order_rows_next(struct hy_order_rows *r, hy_wall_ms now, struct hy_arena *arena,
                       struct hy_order_row *ret, struct hy_diag *diag)
{
    struct hy_sheet_row row;
    int err = HY_OK;
    r->reading.now = now;
    if (r->is_giving)
        return give_line(r, arena, ret);
    while (!err && (err = next_row(r, &row, diag)) == HY_OK) {
        if (!is_of_group(r, &row)) {
            r->held = row;
            r->has_held = true;
            return give_group(r, arena, ret);
        }
        if (r->group.n_lines == HY_ORDER_LINES_MAX) {
            if (r->group.fault == NO_FAULT)
                err = blame(&r->group, 0, HY_STR(""), HY_STR("an order has at most 250 lines"),
                            r->group.values[FIELD_ORDER]);
            return err ? err : refuse_one(r, &row, arena, ret);
        }
        err = take_line(r, &row);
        r->is_doubtful = r->is_doubtful || (r->has_items && row.values[FIELD_ORDER].n == 0);
    }
    if (err == HY_EMORE && r->is_ended && r->group.n_lines)
        return give_group(r, arena, ret);
    return err;
}
