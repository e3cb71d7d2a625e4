/* The part of a report that people read, and its subject. */
#include <stdio.h>

#include "date.h"
#include "dsn_priv.h"

enum { SUBJECT_MAX = 200, QUOTE_MAX = 600, VALUE_MAX = 300, SHOWN_MAX = 50 };

enum language { ENGLISH, JAPANESE, LANGUAGES };

enum phrase {
    SUBJECT_OF,
    GREETING,
    INTRODUCTION,
    SAID,
    WE_SAY,
    TIME_IS_OVER,
    UNTIL,
    MORE,
    THE_MESSAGE,
    HEADER_FOLLOWS,
    ALL_FOLLOWS,
    PHRASES
};

/* The first three depend on the action; % stands for a value. */
static const char *const by_action[3][LANGUAGES][4] = {
    [SUBJECT_OF] = {[ENGLISH] = {"", "Not delivered: ", "Delayed: ", "Relayed: "},
                    [JAPANESE] = {"", "配信できませんでした: ", "配信が遅れています: ",
                                  "次のサーバーに渡しました: "}},
    [GREETING] = {[ENGLISH] = {"This is the mail server %.\n\n", "", "", ""},
                  [JAPANESE] = {"メールサーバー % からのお知らせです。\n\n", "", "", ""}},
    [INTRODUCTION] =
        {[ENGLISH] = {"", "Your message could not be delivered to:\n",
                      "Your message has not been delivered yet, and nothing needs to be done:\n"
                      "it is being tried again, for\n",
                      "Your message was handed on to a server that does not report deliveries\n"
                      "itself, for:\n"},
         [JAPANESE] = {"", "次の宛先にはメールを配信できませんでした。\n",
                       "次の宛先にはまだ配信できていません。引き続き再送しますので、何もする必要は"
                       "\nありません。\n",
                       "次の宛先へのメールを、配信結果を通知しないサーバーに渡しました。\n"}},
};
static const char *const phrases[PHRASES][LANGUAGES] = {
    [SAID] = {"    % said:\n", "    % の応答:\n"},
    [WE_SAY] = {"    The reason:\n", "    理由:\n"},
    [TIME_IS_OVER] = {"    It was tried until its time was over.\n",
                      "    期限まで再送しましたが、届きませんでした。\n"},
    [UNTIL] = {"    It will be tried until %.\n", "    % まで再送します。\n"},
    [MORE] = {"\n  and % more, see the attached report.\n",
              "\n  ほか % 件 (添付の報告を参照してください)。\n"},
    [THE_MESSAGE] = {"The message:\n", "元のメール:\n"},
    [HEADER_FOLLOWS] = {"Its header is attached.\n", "ヘッダーを添付します。\n"},
    [ALL_FOLLOWS] = {"It is attached.\n", "全文を添付します。\n"},
};

#define NONE ((struct hy_str){0})

/* What a stranger wrote, without what could steer a terminal or begin a line. */
static void put_clean(struct hy_buf *out, struct hy_str s, size_t max)
{
    char bytes[4];
    for (size_t at = 0; at < s.n && at < max;) {
        uint32_t cp = hy_utf8_next(s, &at);
        bool is_odd = cp < ' ' || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029 ||
                      (cp >= 0x202a && cp <= 0x202e) || cp == UINT32_MAX;
        hy_buf_add(out, bytes, hy_utf8_put(is_odd ? '?' : cp, bytes));
    }
}

static void put(struct hy_buf *out, const char *phrase, struct hy_str value)
{
    for (const char *p = phrase; *p; p++)
        if (*p == '%')
            put_clean(out, value, VALUE_MAX);
        else
            hy_buf_add_c(out, *p);
}

enum hy_dsn_action hy_dsn_worst(const struct hy_dsn *d)
{
    enum hy_dsn_action worst = HY_DSN_RELAYED;
    for (size_t i = 0; i < d->n_rcpts; i++)
        if (d->rcpts[i].action < worst)
            worst = d->rcpts[i].action;
    return worst;
}

/* A field of the message as text without line ends; at most `max` bytes, cut between characters. */
static void put_value(const struct hy_dsn *d, struct hy_str name, size_t max, struct hy_buf *out)
{
    struct hy_header_field f;
    struct hy_buf text = HY_BUF_INIT(HY_HEADER_VALUE_MAX);
    if (hy_header_find(d->header, name, &f) && hy_header_decode(&text, f.value) == HY_OK) {
        put_clean(out, hy_str_trim(hy_buf_str(&text)), max);
    }
    hy_buf_free(&text);
}

void hy_dsn_subject(const struct hy_dsn *d, bool is_japanese, struct hy_buf *out)
{
    enum language l = is_japanese ? JAPANESE : ENGLISH;
    put(out, by_action[SUBJECT_OF][l][hy_dsn_worst(d)], NONE);
    size_t before = out->len;
    put_value(d, HY_STR("Subject"), SUBJECT_MAX, out);
    if (out->len == before)
        hy_buf_add_str(out, d->message_id.n ? d->message_id : HY_STR("(no subject)"));
}

static void quote(struct hy_str words, struct hy_buf *out)
{
    hy_buf_add_lit(out, "      ");
    put_clean(out, words, QUOTE_MAX);
    hy_buf_add_lit(out, "\n");
}

static void put_rcpt(const struct hy_dsn *d, const struct hy_dsn_rcpt *r, enum language l,
                     struct hy_buf *out)
{
    hy_buf_printf(out, "\n  <%.*s>\n", HY_STR_ARG(r->address));
    if (r->is_expired)
        put(out, phrases[TIME_IS_OVER][l], NONE);
    if (r->words.n && r->is_from_server)
        put(out, phrases[SAID][l], r->host.n ? r->host : HY_STR("The server"));
    else if (r->words.n)
        put(out, phrases[WE_SAY][l], NONE);
    if (r->words.n)
        quote(r->words, out);
    if (r->action == HY_DSN_DELAYED && r->retried_until) {
        struct hy_buf date = HY_BUF_INIT(64);
        hy_date_put(&date, r->retried_until, d->utc_offset_min);
        put(out, phrases[UNTIL][l], hy_buf_str(&date));
        hy_buf_free(&date);
    }
}

static void put_rcpts(const struct hy_dsn *d, enum hy_dsn_action action, enum language l,
                      struct hy_buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_rcpts; i++) {
        if (d->rcpts[i].action != action)
            continue;
        if (n == 0)
            put(out, by_action[INTRODUCTION][l][action], NONE);
        if (n++ < SHOWN_MAX)
            put_rcpt(d, &d->rcpts[i], l, out);
    }
    if (n > SHOWN_MAX) {
        char more[24];
        snprintf(more, sizeof more, "%zu", n - SHOWN_MAX);
        put(out, phrases[MORE][l], hy_str_of(more));
    }
    if (n)
        hy_buf_add_lit(out, "\n");
}

static void put_message(const struct hy_dsn *d, enum language l, struct hy_buf *out)
{
    static const char *const shown[] = {"From", "To", "Subject", "Date", "Message-ID"};
    if (d->header.n == 0)
        return;
    put(out, phrases[THE_MESSAGE][l], NONE);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct hy_header_field f;
        if (!hy_header_find(d->header, hy_str_of(shown[i]), &f))
            continue;
        hy_buf_add_lit(out, "  ");
        hy_buf_add_str(out, hy_str_of(shown[i]));
        hy_buf_add_lit(out, ": ");
        put_value(d, hy_str_of(shown[i]), SUBJECT_MAX, out);
        hy_buf_add_lit(out, "\n");
    }
    put(out, phrases[d->is_full ? ALL_FOLLOWS : HEADER_FOLLOWS][l], NONE);
}

static void put_all(const struct hy_dsn *d, enum language l, struct hy_buf *out)
{
    put(out, by_action[GREETING][l][0], d->host);
    put_rcpts(d, HY_DSN_FAILED, l, out);
    put_rcpts(d, HY_DSN_DELAYED, l, out);
    put_rcpts(d, HY_DSN_RELAYED, l, out);
    put_message(d, l, out);
}

void hy_dsn_words(const struct hy_dsn *d, bool is_japanese, struct hy_buf *out)
{
    if (is_japanese) {
        put_all(d, JAPANESE, out);
        hy_buf_add_lit(out, "\n----------------------------------------\n\n");
    }
    put_all(d, ENGLISH, out);
}
