/* Pages for people: one frame, two languages, no script. */
#include "track_page.h"

enum { PAGE_MAX = 64 << 10 };

#define FIELDS                                                                                     \
    "Cache-Control: no-store, private\r\nReferrer-Policy: no-referrer\r\n"                         \
    "X-Robots-Tag: noindex\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"        \
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; " \
    "frame-ancestors 'none'; base-uri 'none'\r\n"

static const char *const words[TRACK_WORDS][2] = {
    [W_NONE] = {"", ""},
    [W_TITLE] = {"Your mail from us", "メールの受信設定"},
    [W_MAIL_TO] = {"Mail to", "宛先:"},
    [W_LEAVE_TEXT] = {"Press the button, and we send you no more news and offers.",
                      "ボタンを押すと、お知らせやご案内のメールは届かなくなります。"},
    [W_LEAVE] = {"Unsubscribe from all mail", "すべての配信を停止する"},
    [W_LEFT] = {"You are unsubscribed.", "配信を停止しました。"},
    [W_LEFT_NOTE] =
        {"We send you no more news and offers. What is on its way already may still "
         "arrive.",
         "今後、お知らせやご案内のメールはお送りしません。すでに送信された分は届くことが"
         "あります。"},
    [W_RETURN] = {"Subscribe again", "配信を再開する"},
    [W_RETURNED] = {"You are subscribed again.", "配信を再開しました。"},
    [W_LISTS] = {"What you get", "受け取るメール"},
    [W_LANGUAGE] = {"Language of mail", "メールの言語"},
    [W_SAVE] = {"Save", "保存する"},
    [W_SAVED] = {"Saved.", "保存しました。"},
    [W_JOIN_TITLE] = {"Please confirm", "登録の確認"},
    [W_JOIN_TEXT] = {"Press the button, and you get our mail:",
                     "ボタンを押すと、次のメールの配信が始まります。"},
    [W_JOIN] = {"Confirm my subscription", "登録を確定する"},
    [W_JOINED] = {"Thank you. You are subscribed:", "登録が完了しました。"},
    [W_EXPIRED_TITLE] = {"This link is no longer valid", "リンクの有効期限が切れています"},
    [W_EXPIRED] = {"The time to confirm is over. Please subscribe once more.",
                   "確認の期限を過ぎました。お手数ですが、もう一度お申し込みください。"},
    [W_NOTHING_TITLE] = {"There is nothing here", "ページが見つかりません"},
    [W_NOTHING] =
        {"The address may have been cut off. Please open the link in the mail once more.",
         "アドレスが途中で切れている可能性があります。メールのリンクをもう一度開いてください。"},
    [W_LATER_TITLE] = {"Please come back in a moment", "しばらくしてからお試しください"},
    [W_LATER] =
        {"This cannot be done right now; nothing was changed. Please try again in a few "
         "minutes.",
         "ただいま処理できません。何も変更されていません。数分後にもう一度お試しください。"},
    [W_NOTICE_TITLE] = {"What is sent from your browser", "利用者情報の外部送信について"},
};

struct hy_str track_word(enum track_word w, enum track_lang lang)
{
    return hy_str_of(words[w][lang]);
}

/* ---- which language ---- */

static bool read_tag(struct hy_str tag, enum track_lang *ret)
{
    tag = hy_str_trim(tag);
    struct hy_str main = hy_str_slice(tag, 0, 2);
    if (tag.n > 2 && tag.p[2] != '-' && tag.p[2] != ';')
        return false;
    if (hy_str_ieq(main, HY_STR("ja")))
        *ret = TRACK_JA;
    else if (hy_str_ieq(main, HY_STR("en")))
        *ret = TRACK_EN;
    else
        return false;
    return true;
}

enum track_lang track_lang_of(const struct track_call *c, struct hy_str lead_language)
{
    enum track_lang lang = TRACK_EN;
    struct hy_str list, tag, query = c->http->head.query;
    if (hy_str_starts(query, HY_STR("lang=")) && read_tag(hy_str_slice(query, 5, query.n), &lang))
        return lang;
    if (lead_language.n >= 2 && read_tag(lead_language, &lang))
        return lang;
    if (!hy_http_field(&c->http->head, HY_STR("Accept-Language"), &list))
        return lang;
    while (list.n && hy_str_split(&list, ',', &tag)) /* browsers send them in their order */
        if (hy_str_trim(tag).n >= 2 && read_tag(tag, &lang))
            return lang;
    return TRACK_EN;
}

/* ---- the frame ---- */

static const char style[] =
    "<style>:root{color-scheme:light dark}*{box-sizing:border-box}"
    "body{margin:0;font:16px/1.7 system-ui,-apple-system,\"Hiragino Sans\",\"Noto Sans "
    "JP\",sans-serif;background:#f3f4f6;color:#1f2937}"
    "main{max-width:34rem;margin:3rem auto;padding:2rem;background:#fff;border-radius:12px;"
    "box-shadow:0 1px 4px rgba(0,0,0,.12)}"
    "h1{font-size:1.35rem;line-height:1.4;margin:0 0 .5rem}h2{font-size:1rem;margin:2rem 0 .5rem}"
    "p{margin:.5rem 0}.to{color:#6b7280;overflow-wrap:anywhere}"
    ".done{padding:.75rem 1rem;background:#ecfdf5;color:#065f46;border-radius:8px}"
    "label{display:block;padding:.4rem 0;overflow-wrap:anywhere}"
    "input{width:1.15rem;height:1.15rem;margin:0 .6rem 0 0;vertical-align:-.15rem}"
    "select{font:inherit;padding:.4rem .6rem;width:100%;max-width:16rem}"
    "button{font:inherit;font-weight:600;padding:.7rem 1.2rem;margin-top:1rem;border:0;"
    "border-radius:8px;background:#1d4ed8;color:#fff;cursor:pointer}"
    "button.quiet{background:transparent;color:inherit;border:1px solid #9ca3af}"
    "button:focus-visible,a:focus-visible{outline:3px solid #93c5fd;outline-offset:2px}"
    "footer{max-width:34rem;margin:0 auto 3rem;padding:0 2rem;font-size:.875rem}"
    "footer a{color:inherit}"
    "@media(max-width:40rem){main{margin:0;border-radius:0;padding:1.5rem 1.25rem;box-shadow:none}"
    "button{width:100%}footer{margin-top:1rem;padding:0 1.25rem}}"
    "@media(prefers-color-scheme:dark){body{background:#111827;color:#e5e7eb}main{background:"
    "#1f2937}.done{background:#064e3b;color:#d1fae5}.to{color:#9ca3af}}</style>";

void track_page_begin(struct hy_buf *out, enum track_lang lang, enum track_word title)
{
    *out = HY_BUF_INIT(PAGE_MAX);
    hy_buf_add_lit(out, "<!DOCTYPE html>\n<html lang=\"");
    hy_buf_add_str(out, lang == TRACK_JA ? HY_STR("ja") : HY_STR("en"));
    hy_buf_add_lit(out, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                        "content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" "
                        "content=\"noindex\"><title>");
    track_page_text(out, track_word(title, lang));
    hy_buf_add_lit(out, "</title>");
    hy_buf_add_lit(out, style);
    hy_buf_add_lit(out, "</head><body><main><h1>");
    track_page_text(out, track_word(title, lang));
    hy_buf_add_lit(out, "</h1>\n");
}

void track_page_end(struct hy_buf *out, enum track_lang lang)
{
    hy_buf_add_lit(out, "</main><footer>");
    if (lang == TRACK_JA)
        hy_buf_add_lit(out, "<a href=\"?lang=en\" lang=\"en\">English</a>");
    else
        hy_buf_add_lit(out, "<a href=\"?lang=ja\" lang=\"ja\">日本語</a>");
    hy_buf_add_lit(out, "</footer></body></html>\n");
}

void track_page_say(struct hy_buf *out, const char *class, enum track_word w, enum track_lang lang)
{
    hy_buf_printf(out, "<p class=\"%s\">", class);
    track_page_text(out, track_word(w, lang));
    hy_buf_add_lit(out, "</p>\n");
}

void track_page_button(struct hy_buf *out, const char *action, enum track_word w,
                       enum track_lang lang)
{
    hy_buf_printf(out, "<form method=\"post\"><button name=\"action\" value=\"%s\">", action);
    track_page_text(out, track_word(w, lang));
    hy_buf_add_lit(out, "</button></form>\n");
}

void track_page_address(struct hy_buf *out, struct hy_str address)
{
    size_t at = address.n, first = 0;
    while (at && address.p[at - 1] != '@')
        at--;
    if (at == 0)
        return;
    (void)hy_utf8_next(address, &first);
    track_page_text(out, hy_str_slice(address, 0, first < at - 1 ? first : at - 1));
    hy_buf_add_lit(out, "•••@");
    track_page_text(out, hy_str_slice(address, at, address.n));
}

void track_page_answer(struct track_call *c, int status, struct hy_buf *page)
{
    if (page->err)
        track_answer(c, 503, NULL, FIELDS "Retry-After: 5\r\n", HY_STR(""));
    else
        track_answer(c, status, "text/html; charset=utf-8", FIELDS, hy_buf_str(page));
}

void track_page_note(struct track_call *c, int status, enum track_word title, enum track_word text)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf page = HY_BUF_INIT(0);
    enum track_lang lang = track_lang_of(c, HY_STR(""));
    track_page_begin(&page, lang, title);
    track_page_say(&page, "", text, lang);
    track_page_end(&page, lang);
    track_page_answer(c, status, &page);
}

void track_not_found(struct track_call *c)
{
    track_page_note(c, 404, W_NOTHING_TITLE, W_NOTHING);
}

void track_busy(struct track_call *c)
{
    track_page_note(c, 503, W_LATER_TITLE, W_LATER);
}
