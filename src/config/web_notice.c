/* The notice and the snippet of the web tag. */
#include <stdio.h>

#include "hayauma/config/web_tag.h"
#include "hayauma/mail/escape.h"

static const hy_us DAY_US = 86400 * HY_US_PER_SEC;

/* "https://t.example.jp/" without its slash; empty: it is not said. */
static struct hy_str base_of(const struct hy_config *c)
{
    struct hy_str base = hy_str_of(c->tracking.base_url);
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    return base;
}

static int need_base(const struct hy_config *c, struct hy_diag *diag)
{
    return base_of(c).n ? HY_OK
                        : hy_fail(diag, HY_EINVAL,
                                  "tracking.base_url is not set: where browsers reach the tracking "
                                  "server");
}

int hy_web_snippet(const struct hy_config *c, struct hy_buf *out, struct hy_diag *diag)
{
    struct hy_str base = base_of(c);
    int err = need_base(c, diag);
    if (err)
        return err;
    hy_buf_printf(out, "<script async src=\"%.*s/t.js\"", HY_STR_ARG(base));
    if (c->web_tag.is_cookieless)
        hy_buf_add_lit(out, " data-cookieless");
    else if (c->web_tag.cookie_days != 395)
        hy_buf_printf(out, " data-days=\"%u\"", c->web_tag.cookie_days);
    hy_buf_add_lit(out, "></script>\n");
    return out->err;
}

/* ---- the notice ---- */

struct notice {
    const struct hy_config *c;
    enum hy_notice_lang lang;
    bool is_html;
    struct hy_buf *out;
};

static void put_text(struct notice *n, struct hy_str text)
{
    if (n->is_html)
        hy_escape(n->out, text, HY_ESCAPE_HTML);
    else
        hy_buf_add_str(n->out, text);
}

static void put(struct notice *n, const char *text)
{
    put_text(n, hy_str_of(text));
}

static const char *in(const struct notice *n, const char *en, const char *ja)
{
    return n->lang == HY_NOTICE_JA ? ja : en;
}

static void head(struct notice *n, const char *en, const char *ja)
{
    hy_buf_add_str(n->out, n->is_html ? HY_STR("<h2>") : hy_str_of(in(n, "\n# ", "\n■ ")));
    put(n, in(n, en, ja));
    hy_buf_add_str(n->out, n->is_html ? HY_STR("</h2>\n") : HY_STR("\n"));
}

static void line(struct notice *n, const char *en, const char *ja)
{
    hy_buf_add_str(n->out, n->is_html ? HY_STR("<p>") : HY_STR(""));
    put(n, in(n, en, ja));
    hy_buf_add_str(n->out, n->is_html ? HY_STR("</p>\n") : HY_STR("\n"));
}

static void item_text(struct notice *n, struct hy_str text)
{
    hy_buf_add_str(n->out, n->is_html ? HY_STR("<p>• ") : hy_str_of(in(n, "- ", "・")));
    put_text(n, text);
    hy_buf_add_str(n->out, n->is_html ? HY_STR("</p>\n") : HY_STR("\n"));
}

static void item(struct notice *n, const char *en, const char *ja)
{
    item_text(n, hy_str_of(in(n, en, ja)));
}

/* The operator's own words; an empty Japanese text leaves the English one. */
static void own(struct notice *n, const struct hy_pairs *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        const struct hy_pair *x = &texts->items[i];
        struct hy_str text = n->lang == HY_NOTICE_JA && x->value.n ? x->value : x->name;
        item_text(n, text);
    }
}

static void put_what(struct notice *n)
{
    char en[200], ja[300];
    const unsigned days = n->c->web_tag.cookie_days;
    head(n, "What is sent", "送信される情報");
    item(n, "pages that you view: address, title, the page you came from, date and time",
         "閲覧したページのアドレス、題名、参照元のページ、日時");
    item(n,
         "what you do there: files you download, how far you read, videos you watch, names of "
         "forms and of their fields (what you type is not sent)",
         "ページでの操作: ダウンロードしたファイル、読んだ割合、動画の再生、フォームの名前と項目名"
         "(入力内容は送信しません)");
    item(n, "your mail address, if you enter it in a form that says so",
         "その旨を示したフォームに入力したメールアドレス");
    item(n, "your IP address and the kind of your browser (user agent)",
         "IP アドレスとブラウザーの種類(ユーザーエージェント)");
    if (n->c->web_tag.companies[0])
        item(n, "from the IP address: the company or organization whose network you use",
             "IP アドレスから推定した、利用中のネットワークの会社・団体名");
    if (n->c->web_tag.is_cookieless) {
        item(n, "a random number, kept by your browser until its tab is closed (no cookie)",
             "無作為の番号。ブラウザーのタブを閉じるまで保存します(Cookie は使いません)");
    } else {
        snprintf(en, sizeof en,
                 "a random number, kept by your browser for %u days (first-party cookie \"hy\")",
                 days);
        snprintf(ja, sizeof ja,
                 "無作為の番号。ブラウザーに %u 日間保存します(自社ドメインの Cookie 「hy」)",
                 days);
        item(n, en, ja);
    }
    item(n, "if you come by a link in our mail: a signed mark that says which mail and to whom",
         "当社のメールのリンクから来た場合: どのメールを誰に送ったかを示す署名付きの符号");
}

static void put_whom(struct notice *n)
{
    const char *name = n->c->web_tag.operator_name;
    struct hy_str base = base_of(n->c);
    char host[300];
    size_t from = hy_str_find_str(base, HY_STR("://"), 0);
    if (from != SIZE_MAX)
        base = hy_str_slice(base, from + 3, base.n);
    base = hy_str_slice(base, 0, hy_str_find(base, '/', 0));
    snprintf(host, sizeof host, "%.*s", HY_STR_ARG(hy_str_slice(base, 0, sizeof host - 1)));
    head(n, "To whom", "送信先");
    if (name[0])
        line(n, name, name);
    else
        line(n, "The operator of this site", "本サイトの運営者");
    line(n, host, host);
    if (n->c->web_tag.recipients.n == 0) {
        line(n, "It is sent to nobody else.", "これ以外の第三者には送信しません。");
        return;
    }
    head(n, "What else pages of this site send, to whom and what for",
         "本サイトのページがほかに送信する先、情報、目的");
    own(n, &n->c->web_tag.recipients);
}

static void put_purpose(struct notice *n)
{
    head(n, "What for", "利用目的");
    if (n->c->web_tag.purposes.n) {
        own(n, &n->c->web_tag.purposes);
        return;
    }
    item(n, "to see how pages are used, and to make them better", "ページの利用状況の把握と改善");
    item(n, "to offer you by mail and otherwise what fits your interest",
         "関心に合ったご案内(メールなど)の送付");
    item(n, "to answer you and to contact you on matters you were interested in",
         "お問い合わせへの対応と、関心を持たれた事項についてのご連絡");
}

static void put_time(struct notice *n)
{
    char en[120], ja[160];
    const unsigned long long days =
        (unsigned long long)(n->c->store.activity_retention_us / DAY_US);
    head(n, "How long it is kept", "保存期間");
    if (days) {
        snprintf(en, sizeof en, "%llu days", days);
        snprintf(ja, sizeof ja, "%llu 日間", days);
        line(n, en, ja);
    } else {
        line(n, "Until you ask for its deletion.", "削除のお申し出があるまで。");
    }
}

static void put_refusal(struct notice *n)
{
    const char *contact = n->c->web_tag.contact, *policy = n->c->web_tag.policy_url;
    head(n, "How to refuse", "送信を止める方法");
    line(n,
         "Turn on Global Privacy Control or \"Do Not Track\" in your browser: then nothing is sent "
         "and "
         "nothing is stored. You may delete the cookies of this site at any time.",
         "ブラウザーの Global Privacy Control または「Do Not "
         "Track(トラッキング拒否)」を有効にすると、"
         "送信も保存も行いません。本サイトの Cookie はいつでも削除できます。");
    if (contact[0] || policy[0])
        head(n, "Questions", "お問い合わせ");
    if (contact[0])
        line(n, contact, contact);
    if (policy[0])
        line(n, policy, policy);
}

int hy_web_notice(const struct hy_config *c, enum hy_notice_lang lang, bool is_html,
                  struct hy_buf *out, struct hy_diag *diag)
{
    struct notice n = {.c = c, .lang = lang, .is_html = is_html, .out = out};
    int err = need_base(c, diag);
    if (err)
        return err;
    line(&n,
         "When you view pages of this site, your browser sends information about you to the "
         "outside.",
         "本サイトのページを閲覧すると、利用者に関する情報がブラウザーから外部に送信されます"
         "(電気通信事業法第27条の12に基づく公表事項)。");
    put_what(&n);
    put_whom(&n);
    put_purpose(&n);
    put_time(&n);
    put_refusal(&n);
    return out->err;
}
