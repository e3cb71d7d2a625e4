/* import: a file of leads from a descriptor of the client. The job runs on a thread of its own;
 * progress and the end go to the client from there. A client that goes away cancels it: what was
 * committed stays. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/daemon/import_job.h"

enum { MAP_MAX = 1024, MAP_TEXT_MAX = 65536 };

/* What lives as long as the job. */
struct import_call {
    struct hy_daemon *d;
    struct hy_control_call *call;
    bool is_check; /* nothing is stored */
    struct hy_import_map map[MAP_MAX];
    struct hy_buf map_text; /* what the mapping points into */
    hy_us last_us;          /* of the newest progress, for the rate */
    uint64_t last_rows;
};

static void free_import(struct import_call *im)
{
    hy_buf_free(&im->map_text);
    free(im);
}

/* "E-Mail=email,3=points,memo=-". */
static int read_map(struct import_call *im, const char *text, struct hy_import_options *o,
                    struct hy_diag *diag)
{
    hy_buf_add(&im->map_text, text, strlen(text));
    if (im->map_text.err)
        return hy_fail(diag, HY_ELIMIT, "the mapping is longer than %d bytes", MAP_TEXT_MAX);
    struct hy_str rest = hy_buf_str(&im->map_text), piece;
    o->map = im->map;
    while (rest.n && hy_str_split(&rest, ',', &piece)) {
        size_t eq = hy_str_find(piece, '=', 0);
        if (eq == SIZE_MAX || eq == 0 || eq + 1 == piece.n)
            return hy_fail(diag, HY_EINVAL,
                           "'%.*s' is no mapping: write COLUMN=ATTRIBUTE, with commas between them",
                           HY_STR_ARG(piece));
        if (o->n_map == MAP_MAX)
            return hy_fail(diag, HY_ELIMIT, "more than %d mappings", MAP_MAX);
        im->map[o->n_map++] = (struct hy_import_map){
            .column = hy_str_trim(hy_str_slice(piece, 0, eq)),
            .attr = hy_str_trim(hy_str_slice(piece, eq + 1, piece.n)),
        };
    }
    return 0;
}

struct word {
    const char *name;
    int value;
};

static int read_word(const json_t *args, const char *name, const struct word *words,
                     struct hy_diag *diag, int *ret)
{
    const char *text;
    int err = hy_control_arg_string(args, name, words[0].name, diag, &text);
    if (err)
        return err;
    for (; words->name; words++) {
        if (strcmp(words->name, text) == 0) {
            *ret = words->value;
            return 0;
        }
    }
    return hy_fail(diag, HY_EINVAL, "argument '%s' cannot be '%s'", name, text);
}

static int read_format(const json_t *args, struct hy_import_options *o, struct hy_diag *diag)
{
    static const struct word delimiters[] = {
        {"auto", 0}, {"csv", ','}, {"tsv", '\t'}, {"semicolon", ';'}, {0}};
    static const struct word headers[] = {{"auto", HY_IMPORT_HEADER_AUTO},
                                          {"yes", HY_IMPORT_HEADER_YES},
                                          {"no", HY_IMPORT_HEADER_NO},
                                          {0}};
    const char *charset;
    int delimiter = 0, header = HY_IMPORT_HEADER_AUTO;
    int err = hy_control_arg_string(args, "charset", "auto", diag, &charset);
    if (!err && strcmp(charset, "auto") != 0 &&
        hy_charset_parse(hy_str_of(charset), &o->charset) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "the charset '%s' is not known", charset);
    if (!err)
        err = read_word(args, "format", delimiters, diag, &delimiter);
    if (!err)
        err = read_word(args, "header", headers, diag, &header);
    if (err)
        return err;
    o->delimiter = (char)delimiter;
    if (header == HY_IMPORT_HEADER_YES)
        o->header = HY_IMPORT_HEADER_YES;
    else if (header == HY_IMPORT_HEADER_NO)
        o->header = HY_IMPORT_HEADER_NO;
    return 0;
}

static int read_options(struct import_call *im, const struct hy_daemon *d, const json_t *args,
                        struct hy_import_job_options *o, struct hy_diag *diag)
{
    static const struct word merges[] = {{"overwrite", HY_LEAD_MERGE_OVERWRITE},
                                         {"fill", HY_LEAD_MERGE_FILL},
                                         {"keep", HY_LEAD_MERGE_KEEP},
                                         {0}};
    const char *map = "";
    int merge = HY_LEAD_MERGE_OVERWRITE;
    int64_t from_line = 0;
    int err = hy_control_arg_string(args, "list", "", diag, &o->list);
    if (!err)
        err = hy_control_arg_string(args, "tag", "", diag, &o->tags);
    if (!err)
        err = hy_control_arg_string(args, "source", "", diag, &o->source);
    if (!err)
        err = hy_control_arg_bool(args, "dry_run", false, diag, &o->only_check);
    if (!err)
        err = hy_control_arg_bool(args, "refuse_slips", false, diag, &o->refuse_slips);
    if (!err)
        err = hy_control_arg_bool(args, "refuse_disposable", false, diag, &o->refuse_disposable);
    if (!err)
        err = hy_control_arg_bool(args, "move_addresses", false, diag, &o->move_addresses);
    if (!err)
        err = hy_control_arg_bool(args, "allow_ragged", false, diag, &o->import.allow_ragged);
    if (!err)
        err = hy_control_arg_int(args, "from_line", 0, 0, INT64_MAX, diag, &from_line);
    if (!err)
        err = read_word(args, "existing", merges, diag, &merge);
    if (!err)
        err = read_format(args, &o->import, diag);
    if (!err)
        err = hy_control_arg_string(args, "map", "", diag, &map);
    if (!err)
        err = read_map(im, map, &o->import, diag);
    if (!err && !o->list[0] && !o->tags[0] && !o->only_check)
        err = hy_fail(diag, HY_EINVAL, "argument 'list' is missing");
    o->merge = (enum hy_lead_merge)merge;
    o->first_line = (uint64_t)from_line;
    o->create_list = true;
    o->rejects_max = d->config->import.rejects_shown;
    return err;
}

/* -- the job's thread ----------------------------------------------------------------------- */

static json_t *counts_json(const struct hy_import_progress *p)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "rows",
                     (json_int_t)p->rows, "rejected", (json_int_t)p->refused, "added",
                     (json_int_t)p->added, "updated", (json_int_t)p->updated, "unchanged",
                     (json_int_t)p->unchanged, "duplicates", (json_int_t)p->duplicates, "joined",
                     (json_int_t)p->joined, "untagged", (json_int_t)p->untagged, "suggested",
                     (json_int_t)p->suggested, "disposable", (json_int_t)p->disposable, "repaired",
                     (json_int_t)p->repaired, "kept_addresses", (json_int_t)p->kept_addresses,
                     "bytes", (json_int_t)p->bytes, "total_bytes", (json_int_t)p->bytes_total);
}

static void on_progress(void *ctx, const struct hy_import_progress *p)
{
    struct import_call *im = ctx;
    json_t *o = counts_json(p);
    hy_us took = p->elapsed_us - im->last_us;
    double rate = took > 0 ? (double)(p->rows - im->last_rows) * 1e6 / (double)took : 0;
    im->last_us = p->elapsed_us;
    im->last_rows = p->rows;
    json_object_set_new(o, "rate", json_real(rate));
    hy_control_progress(im->call, o);
}

static bool is_cancelled(void *ctx)
{
    const struct import_call *im = ctx;
    return hy_control_is_cancelled(im->call);
}

/* Rows may hold bytes that are no text. */
static json_t *text_json(const char *s)
{
    json_t *t = json_string(s);
    return t ? t : json_string("?");
}

static json_t *columns_json(const struct hy_import_end *end)
{
    json_t *list = json_array();
    for (size_t i = 0; i < end->n_columns; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "header", ctl_text_json(end->columns[i].header));
        json_object_set_new(o, "attribute", ctl_text_json(end->columns[i].attr));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *rejects_json(const struct hy_import_end *end)
{
    json_t *list = json_array();
    for (size_t i = 0; i < end->n_rejects; i++) {
        const struct hy_import_reject *r = &end->rejects[i];
        json_t *o = json_object();
        json_object_set_new(o, "line", json_integer((json_int_t)r->line));
        json_object_set_new(o, "column", text_json(r->field));
        json_object_set_new(o, "reason", text_json(r->reason));
        json_object_set_new(o, "value", text_json(r->value));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *reasons_json(const struct hy_import_progress *p)
{
    json_t *o = json_object();
    for (int r = 1; r < HY_ADDRESS_REASONS; r++)
        if (p->by_reason[r])
            json_object_set_new(o, hy_address_reason_name((enum hy_address_reason)r),
                                json_integer((json_int_t)p->by_reason[r]));
    return o;
}

/* A file that never made us choose has ASCII alone. */
static const char *charset_name(const struct hy_import_progress *p)
{
    return p->charset == HY_CHARSET_AUTO ? "ASCII" : hy_charset_name(p->charset);
}

static void fail(struct import_call *im, const struct hy_import_end *end)
{
    char hint[256] = "";
    if (end->progress.next_line > 1)
        snprintf(hint, sizeof hint, "the rows before line %llu are in; go on with --from-line %llu",
                 (unsigned long long)end->progress.next_line,
                 (unsigned long long)end->progress.next_line);
    hy_control_fail(im->call, end->err, end->diag.text[0] ? end->diag.text : hy_err_text(end->err),
                    hint);
}

/* Also of one that ended early: what it has put in stays. */
static void log_act(struct import_call *im, const struct hy_import_progress *p)
{
    const json_t *list = json_object_get(hy_control_args(im->call), "list");
    json_t *details = NULL;
    if (im->is_check || p->added + p->updated + p->joined == 0)
        return;
    details =
        json_pack("{s:I,s:I,s:I,s:I}", "rows", (json_int_t)p->rows, "added", (json_int_t)p->added,
                  "updated", (json_int_t)p->updated, "joined", (json_int_t)p->joined);
    if (details && list)
        json_object_set(details, "list", (json_t *)(uintptr_t)list);
    act_log(im->d, hy_control_command_name(im->call), hy_control_uid(im->call), details);
}

static void on_done(void *ctx, const struct hy_import_end *end)
{
    struct import_call *im = ctx;
    const struct hy_import_progress *p = &end->progress;
    log_act(im, p);
    if (end->err) {
        fail(im, end);
        free_import(im);
        return;
    }
    json_t *o = counts_json(p);
    json_object_set_new(o, "elapsed_ms", json_integer((json_int_t)(p->elapsed_us / 1000)));
    json_object_set_new(o, "charset", json_string(charset_name(p)));
    json_object_set_new(o, "columns", columns_json(end));
    json_object_set_new(o, "rejects", rejects_json(end));
    json_object_set_new(o, "reasons", reasons_json(p));
    json_object_set_new(o, "report_complete", json_boolean(end->report_err == 0));
    hy_control_finish(im->call, o);
    free_import(im);
}

/* -- the main thread ------------------------------------------------------------------------ */

static void import(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct import_call *im = calloc(1, sizeof *im);
    if (!im) {
        hy_control_fail(call, HY_ENOMEM, NULL, NULL);
        return;
    }
    im->d = d;
    im->call = call;
    im->map_text = HY_BUF_INIT(MAP_TEXT_MAX);
    struct hy_import_job_options o = {.fd = -1,
                                      .report_fd = -1,
                                      .progress = on_progress,
                                      .is_cancelled = is_cancelled,
                                      .done = on_done,
                                      .ctx = im};
    int err = read_options(im, d, hy_control_args(call), &o, &diag);
    im->is_check = o.only_check;
    if (!err) {
        o.fd = hy_control_take_fd(call, 0);
        o.report_fd = hy_control_take_fd(call, 1);
        err = hy_import_job_start(d->imports, &o, &diag);
    }
    if (err) {
        hy_control_fail_diag(call, err, &diag);
        free_import(im);
    }
}

const struct hy_control_command ctl_import_commands[] = {
    {"import", 1, 2, import},
    {NULL, 0, 0, NULL},
};
