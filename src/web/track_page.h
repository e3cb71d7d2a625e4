/* Pages for people: one frame, two languages, no script. */
#pragma once
#include "hayauma/mail/escape.h"
#include "track_priv.h"

enum track_lang { TRACK_EN, TRACK_JA };

/* The language to speak with: what the query asks for (lang=ja), else the lead's (may be empty),
 * else the browser's first that is spoken here, else English. */
enum track_lang track_lang_of(const struct track_call *c, struct hy_str lead_language);

/* Words of pages. */
enum track_word {
    W_NONE,
    W_TITLE,
    W_MAIL_TO,
    W_LEAVE_TEXT,
    W_LEAVE,
    W_LEFT,
    W_LEFT_NOTE,
    W_RETURN,
    W_RETURNED,
    W_LISTS,
    W_LANGUAGE,
    W_SAVE,
    W_SAVED,
    W_JOIN_TITLE,
    W_JOIN_TEXT,
    W_JOIN,
    W_JOINED,
    W_EXPIRED_TITLE,
    W_EXPIRED,
    W_NOTHING_TITLE,
    W_NOTHING,
    W_LATER_TITLE,
    W_LATER,
    W_NOTICE_TITLE,
    TRACK_WORDS,
};
struct hy_str track_word(enum track_word w, enum track_lang lang);

/* Appends text as it may stand in HTML. */
static inline void track_page_text(struct hy_buf *out, struct hy_str text)
{
    hy_escape(out, text, HY_ESCAPE_HTML);
}
/* What stands around a page's own part, `title` in its head and above it. */
void track_page_begin(struct hy_buf *out, enum track_lang lang, enum track_word title);
void track_page_end(struct hy_buf *out, enum track_lang lang);
/* Appends <p class="CLASS">words</p>. */
void track_page_say(struct hy_buf *out, const char *class, enum track_word w, enum track_lang lang);
/* Appends a button that posts action=`action` to where the page came from. */
void track_page_button(struct hy_buf *out, const char *action, enum track_word w,
                       enum track_lang lang);
/* "t•••@example.jp": enough for its owner, nothing for others. */
void track_page_address(struct hy_buf *out, struct hy_str address);
/* Answers with it; 503 when it could not be written. */
void track_page_answer(struct track_call *c, int status, struct hy_buf *page);
/* A page of a title and a paragraph. */
void track_page_note(struct track_call *c, int status, enum track_word title, enum track_word text);
