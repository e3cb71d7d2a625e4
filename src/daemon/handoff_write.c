/* What a hand-off says of a lead. Values come from outside: no control character of theirs gets
 * into a mail, and in JSON they are parts of texts. */
#include "handoff_write.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hayauma/base/clock.h"
#include "hayauma/model/activity.h"

enum { VALUE_MAX = 200 }; /* bytes of a value in a mail */

static const char *str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* On one line, whatever it was, and not longer than a person reads. */
static void put_clean(struct hy_buf *out, const char *s)
{
    const char *end = s + strnlen(s, VALUE_MAX);
    while (*end && ((unsigned char)*end & 0xc0) == 0x80) /* not within a letter */
        end--;
    for (; s < end; s++) {
        char c = (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s;
        hy_buf_add(out, &c, 1);
    }
}

/* "Hanako Sato", or her address. */
static const char *who(const json_t *lead)
{
    return str(lead, "name")[0] ? str(lead, "name") : str(lead, "email");
}

static void put_who(const json_t *lead, struct hy_buf *out)
{
    put_clean(out, who(lead));
    if (!str(lead, "company")[0])
        return;
    hy_buf_add_str(out, HY_STR(" ("));
    put_clean(out, str(lead, "company"));
    hy_buf_add_str(out, HY_STR(")"));
}

void handoff_subject(const struct hy_score_handoff *h, const json_t *lead, const char *threshold,
                     struct hy_buf *out)
{
    put_clean(out, threshold);
    hy_buf_add_str(out, HY_STR(": "));
    put_who(lead, out);
    hy_buf_printf(out, h->is_japanese ? "、%.0f 点" : ", %.0f points", number(lead, "score"));
}

static void put_line(struct hy_buf *out, const char *label, const char *value)
{
    if (!value[0])
        return;
    hy_buf_add_str(out, hy_str_of(label));
    put_clean(out, value);
    hy_buf_add_str(out, HY_STR("\n"));
}

static void put_reasons(const struct hy_score_handoff *h, const json_t *lead, struct hy_buf *out)
{
    const json_t *r;
    size_t i;
    hy_buf_add_str(out, h->is_japanese ? HY_STR("\n理由:\n") : HY_STR("\nWhy:\n"));
    json_array_foreach(json_object_get(lead, "reasons"), i, r)
    {
        long long times = json_integer_value(json_object_get(r, "times"));
        hy_buf_printf(out, h->is_japanese ? "  %.1f 点  " : "  %.1f  ", number(r, "points"));
        put_clean(out, str(r, "rule"));
        hy_buf_printf(out,
                      h->is_japanese ? " (%lld 回)\n"
                      : times == 1   ? " (once)\n"
                                     : " (%lld times)\n",
                      times);
    }
}

/* What it did, in words of people who sell. */
static const char *deed(const struct hy_score_handoff *h, const char *kind)
{
    static const struct {
        enum hy_activity_kind kind;
        const char *en, *ja;
    } words[] = {
        {HY_ACTIVITY_OPEN, "opened a mail", "メールを開封"},
        {HY_ACTIVITY_CLICK, "clicked a link of a mail", "メールのリンクをクリック"},
        {HY_ACTIVITY_REPLY, "replied to a mail", "メールに返信"},
        {HY_ACTIVITY_UNSUBSCRIBE, "unsubscribed", "配信を停止"},
        {HY_ACTIVITY_PAGE_VIEW, "read a page", "ページを閲覧"},
        {HY_ACTIVITY_KEY_PAGE, "read a key page", "重要ページを閲覧"},
        {HY_ACTIVITY_SCROLL, "read a page to the end", "ページを最後まで閲覧"},
        {HY_ACTIVITY_DOWNLOAD, "downloaded", "ダウンロード"},
        {HY_ACTIVITY_VIDEO, "watched a video", "動画を視聴"},
        {HY_ACTIVITY_FORM_POST, "filled in a form", "フォームを送信"},
        {HY_ACTIVITY_ORDER, "ordered", "注文"},
        {HY_ACTIVITY_CART, "filled a cart", "カートに追加"},
        {HY_ACTIVITY_OFFLINE, "attended", "参加"},
        {HY_ACTIVITY_SALES, "sales result", "営業結果"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(kind, hy_activity_kind_name(words[i].kind)) == 0)
            return h->is_japanese ? words[i].ja : words[i].en;
    return kind;
}

/* "2026-11-22 22:13", by the clock of the office. */
static void put_time(struct hy_buf *out, const char *rfc3339)
{
    hy_wall_ms at;
    struct tm tm;
    char text[32] = "";
    time_t t = hy_wall_parse(hy_str_of(rfc3339), &at) == HY_OK ? (time_t)(at / 1000) : 0;
    if (t && localtime_r(&t, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    hy_buf_add_str(out, hy_str_of(text));
}

static void put_last(const struct hy_score_handoff *h, const json_t *lead, struct hy_buf *out)
{
    const json_t *last = json_object_get(lead, "last");
    if (!json_is_object(last))
        return;
    hy_buf_add_str(out, h->is_japanese ? HY_STR("\n最後の行動: ") : HY_STR("\nLast: "));
    put_time(out, str(last, "at"));
    hy_buf_add_str(out, HY_STR("  "));
    put_clean(out, deed(h, str(last, "kind")));
    hy_buf_add_str(out, HY_STR("  "));
    put_clean(out, str(last, "text")[0] ? str(last, "text") : str(last, "url"));
    hy_buf_add_str(out, HY_STR("\n"));
}

void handoff_text(const struct hy_score_handoff *h, const json_t *lead, const char *threshold,
                  struct hy_buf *out)
{
    bool ja = h->is_japanese;
    long long no = json_integer_value(json_object_get(lead, "lead"));
    put_who(lead, out);
    hy_buf_printf(out,
                  ja ? " が %.0f 点に達しました (%s)。\n\n" : " has reached %.0f points (%s).\n\n",
                  number(lead, "score"), threshold);
    put_line(out, ja ? "メール: " : "Mail: ", str(lead, "email"));
    put_line(out, ja ? "電話: " : "Phone: ", str(lead, "phone"));
    put_line(out, ja ? "担当: " : "Owner: ", str(lead, "owner"));
    put_reasons(h, lead, out);
    put_last(h, lead, out);
    /* the lead by its number: what is pasted into a shell has no word of a stranger in it */
    hy_buf_printf(out,
                  ja ? "\n内訳をすべて見る: hayauma score explain %lld\n"
                       "結果を記録する: hayauma lead result %lld won (受注), lost (失注) または "
                       "recycled (継続育成)\n"
                     : "\nEvery point: hayauma score explain %lld\n"
                       "Tell what became of it: hayauma lead result %lld won, or lost, or "
                       "recycled (to be nurtured on)\n",
                  no, no);
}

/* ---- JSON ---- */

static void put_reason_words(const json_t *lead, struct hy_buf *out)
{
    const json_t *r;
    size_t i;
    json_array_foreach(json_object_get(lead, "reasons"), i, r)
        hy_buf_printf(out, "%s%s %.0f", i ? ", " : "", str(r, "rule"), number(r, "points"));
}

static void put_value(const struct handoff_body *b, struct hy_str name, struct hy_buf *out)
{
    char key[64];
    if (hy_str_eq(name, HY_STR("score")))
        hy_buf_printf(out, "%.0f", number(b->lead, "score"));
    else if (hy_str_eq(name, HY_STR("lead")))
        hy_buf_printf(out, "%lld", (long long)json_integer_value(json_object_get(b->lead, "lead")));
    else if (hy_str_eq(name, HY_STR("id")))
        hy_buf_add_str(out, hy_str_of(b->id));
    else if (hy_str_eq(name, HY_STR("threshold")))
        hy_buf_add_str(out, hy_str_of(b->threshold));
    else if (hy_str_eq(name, HY_STR("entered")))
        hy_buf_add_str(out, hy_str_of(hy_wall_format(b->entered, key)));
    else if (hy_str_eq(name, HY_STR("email")))
        hy_buf_add_str(out, hy_str_of(str(b->lead, "email")));
    else if (hy_str_eq(name, HY_STR("reasons")))
        put_reason_words(b->lead, out);
    else
        hy_buf_add_str(out, b->attribute(b->ctx, name));
}

/* A body while its names are filled in; the first thing that went wrong. */
struct filling {
    const struct handoff_body *b;
    int err;
};

static json_t *fill_text(struct filling *f, const char *text)
{
    struct hy_buf out = HY_BUF_INIT(HANDOFF_TEXT_MAX);
    struct hy_str rest = hy_str_of(text);
    size_t open;
    while ((open = hy_str_find_str(rest, HY_STR("{{"), 0)) != SIZE_MAX) {
        size_t close = hy_str_find_str(rest, HY_STR("}}"), open);
        if (close == SIZE_MAX)
            break;
        hy_buf_add_str(&out, hy_str_slice(rest, 0, open));
        put_value(f->b, hy_str_trim(hy_str_slice(rest, open + 2, close)), &out);
        rest = hy_str_slice(rest, close + 2, rest.n);
    }
    hy_buf_add_str(&out, rest);
    struct hy_str all = hy_buf_str(&out);
    json_t *j = out.err ? NULL : json_stringn(all.p ? all.p : "", all.n);
    f->err = f->err ? f->err : out.err;
    hy_buf_free(&out);
    return j ? j : json_string("");
}

/* Texts inside, in place; the depth is jansson's. */
static json_t *fill(struct filling *f, json_t *j)
{
    const char *key;
    json_t *v;
    void *next;
    size_t i;
    if (json_is_string(j))
        return fill_text(f, json_string_value(j));
    json_object_foreach_safe(j, next, key, v) json_object_set_new(j, key, fill(f, v));
    json_array_foreach(j, i, v) json_array_set_new(j, i, fill(f, v));
    return json_incref(j);
}

int handoff_body(const struct hy_score_handoff *h, const struct handoff_body *b, struct hy_buf *out,
                 struct hy_diag *diag)
{
    struct filling f = {.b = b};
    char at[32];
    json_t *j;
    if (h->body.n) {
        json_t *written = json_loadb(h->body.p, h->body.n, 0, NULL);
        j = written ? fill(&f, written) : NULL;
        json_decref(written);
    } else {
        j = json_copy((json_t *)(uintptr_t)b->lead);
        json_object_set_new(j, "id", json_string(b->id));
        json_object_set_new(j, "threshold", json_string(b->threshold));
        json_object_set_new(j, "entered", json_string(hy_wall_format(b->entered, at)));
    }
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(12) | JSON_ENCODE_ANY) : NULL;
    json_decref(j);
    if (!text)
        return f.err ? f.err : HY_EINVAL;
    hy_buf_add_str(out, hy_str_of(text));
    free(text);
    if (f.err == HY_ELIMIT)
        return hy_fail(diag, f.err, "a text of its body would have more than %d bytes",
                       HANDOFF_TEXT_MAX);
    if (out->err == HY_ELIMIT)
        return hy_fail(diag, out->err, "its body would have more than %d bytes", HANDOFF_BODY_MAX);
    return f.err ? f.err : out->err;
}
