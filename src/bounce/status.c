/* message/delivery-status: fields of the report, then a block of fields for each recipient (RFC
 * 3464 2.1). Many reporters put empty lines where none belong, or forget them: a recipient begins
 * with its own field, and what comes before or behind is given to the nearest that lacks it. */
#include "findings.h"
#include "hayauma/mail/header.h"

enum { VALUE_MAX = 2000 };

struct reader {
    struct bounce_items *items;
    struct bounce_item *item; /* under way */
    bool is_closed;           /* an empty line came behind its recipient */
    bool is_server;           /* its diagnostic is of type smtp */
};

/* What stands behind "rfc822;", "smtp;", "dns;". */
static struct hy_str behind_type(struct hy_str value)
{
    size_t i = 0;
    while (i < value.n && value.p[i] != ';' && value.p[i] != ' ' && value.p[i] != '@' && i < 40)
        i++;
    size_t at = i;
    while (at < value.n && value.p[at] == ' ')
        at++;
    if (at < value.n && value.p[at] == ';')
        return hy_str_trim(hy_str_slice(value, at + 1, value.n));
    return value;
}

static void begin(struct reader *r)
{
    r->item = bounce_item_add(r->items);
    r->is_closed = false;
    r->is_server = false;
}

static bool has_recipient(const struct bounce_item *it)
{
    return it->final.n || it->original.n;
}

/* The item that a recipient's field belongs to; NULL when there are too many. */
static struct bounce_item *for_recipient(struct reader *r, bool is_final)
{
    struct bounce_item *it = r->item;
    if (!it || (is_final ? it->final.n : it->original.n) || (r->is_closed && has_recipient(it)))
        begin(r);
    return r->item;
}

/* The item that any other field belongs to: a new one when this has the field already. */
static struct bounce_item *for_field(struct reader *r, bool is_taken)
{
    if (!r->item || (r->is_closed && is_taken))
        begin(r);
    return r->item;
}

static struct hy_str address(struct hy_str value)
{
    struct hy_str rest = behind_type(value), found = bounce_address_of(rest);
    if (found.n || rest.n == 0 || hy_str_find(rest, '=', 0) != SIZE_MAX)
        return found;
    if (rest.p[0] == '<')
        rest = hy_str_slice(rest, 1, hy_str_find(rest, '>', 0));
    return hy_str_find(rest, ' ', 0) == SIZE_MAX ? rest : found; /* a local name */
}

static void take_diagnostic(struct reader *r, struct hy_str value)
{
    struct hy_str words = behind_type(value);
    bool is_server = hy_str_istarts(value, HY_STR("smtp")) && words.n < value.n;
    struct bounce_item *it = for_field(r, r->item && r->item->diagnostic.n > 0);
    if (!it || words.n == 0 || (it->diagnostic.n && (r->is_server || !is_server)))
        return;
    it->diagnostic = words;
    r->is_server = is_server;
}

static void take_status(struct reader *r, struct hy_str value)
{
    struct bounce_item *it = for_field(r, r->item && r->item->status.class != 0);
    uint16_t code = 0;
    if (it && it->status.class == 0)
        hy_bounce_read_codes(value, false, &code, &it->status);
    if (it && it->diagnostic.n == 0 && hy_str_find(value, '(', 0) != SIZE_MAX && !it->words.n)
        it->words = value; /* "5.2.1 (mailbox disabled)" */
}

static void take_field(struct reader *r, const struct hy_header_field *f)
{
    struct hy_arena *a = r->items->arena;
    struct hy_str value = bounce_line(a, f->value, VALUE_MAX);
    struct bounce_item *it;
    if (hy_str_ieq(f->name, HY_STR("Final-Recipient"))) {
        if ((it = for_recipient(r, true)))
            it->final = address(value);
    } else if (hy_str_ieq(f->name, HY_STR("Original-Recipient"))) {
        if ((it = for_recipient(r, false)))
            it->original = address(value);
    } else if (hy_str_ieq(f->name, HY_STR("X-Actual-Recipient"))) {
        if ((it = r->item) && it->final.n == 0)
            it->final = address(value);
    } else if (hy_str_ieq(f->name, HY_STR("Action"))) {
        if ((it = for_field(r, r->item && r->item->action.n > 0)) && it->action.n == 0)
            it->action = value;
    } else if (hy_str_ieq(f->name, HY_STR("Status"))) {
        take_status(r, value);
    } else if (hy_str_ieq(f->name, HY_STR("Diagnostic-Code"))) {
        take_diagnostic(r, value);
    } else if (hy_str_ieq(f->name, HY_STR("Reporting-MTA"))) {
        if (r->items->reporting_mta.n == 0)
            r->items->reporting_mta = behind_type(value);
    }
}

/* An address that means something within the reporting system only: name@queue. */
static bool is_local(struct hy_str address)
{
    size_t at = hy_str_find(address, '@', 0);
    return at == SIZE_MAX || hy_str_find(address, '.', at) == SIZE_MAX;
}

/* Those without a recipient are of no use beside others. */
static void drop_nameless(struct bounce_items *items)
{
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i++)
        if (has_recipient(&items->at[i]))
            items->at[kept++] = items->at[i];
    if (kept)
        items->n = kept;
    else if (items->n > 1)
        items->n = 1;
}

void bounce_read_status(struct hy_str status, struct bounce_items *items)
{
    struct reader r = {.items = items};
    struct hy_header_field f;
    while (status.n && items->n < HY_BOUNCE_RECIPIENTS_MAX) {
        size_t before = status.n;
        while (hy_header_next(&status, &f))
            take_field(&r, &f);
        r.is_closed = r.item != NULL;
        if (status.n == before)
            break;
    }
    drop_nameless(items);
    for (size_t i = 0; i < items->n; i++) {
        struct bounce_item *it = &items->at[i];
        if (it->final.n == 0 || (it->original.n && is_local(it->final)))
            it->final = it->original;
    }
}
