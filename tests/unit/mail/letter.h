/* A message for tests: compile from a few strings, render for a made-up lead, take it apart again.
 */
#pragma once
#include "hayauma/mail/message.h"

enum { LETTER_SLOTS = 16 };

/* Slots are given in the order in which names first appear; values are looked up by name. */
struct letter {
    struct hy_token_keys keys;
    struct hy_message_source source;
    struct hy_message_options options;
    struct hy_message *m;
    struct hy_diag diag;
    char names[LETTER_SLOTS][64];
    size_t n_names;
    const char *unknown; /* a name that the slot function does not know */
    struct hy_str slots[LETTER_SLOTS];
    struct hy_render_input in;
    struct hy_rendered out;
};

struct letter_value {
    const char *name;
    struct hy_str value;
};

/* A campaign with every kind of tracking, for taro@example.com. */
void letter_init(struct letter *l);
int letter_compile(struct letter *l);
/* Renders with these values, ended by a NULL name. */
int letter_render(struct letter *l, const struct letter_value *values);
void letter_free(struct letter *l);

/* One part as UTF-8 before transfer encoding; appended to `out`. */
int letter_part(struct letter *l, const struct letter_value *values, enum hy_message_part part,
                struct hy_buf *out);

/* Undoes quoted-printable or base64: the contents of a part, line ends as CRLF. */
void letter_decode(struct hy_str body, enum hy_transfer transfer, struct hy_buf *out);
/* The body of the n-th entity of type "text/..." in a rendered message. */
struct hy_str letter_entity(const struct letter *l, const char *type);
