/* Dialogue scripts: what the server does, what the client must say, and what must come of it.
 * README.md in this folder describes the language. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/smtp/client.h"

enum { SCRIPT_STEPS_MAX = 512, SCRIPT_MESSAGES_MAX = 8, SCRIPT_RESULTS_MAX = 128 };

enum script_verb {
    SCRIPT_SERVER,  /* bytes: a run of S lines */
    SCRIPT_DRIP,    /* bytes, one each `us` */
    SCRIPT_CLOSE,   /* the server closes */
    SCRIPT_CLIENT,  /* bytes: exactly these must come, and nothing behind them */
    SCRIPT_PART,    /* bytes: these come first; the rest stays unwritten for now */
    SCRIPT_WAIT,    /* `us` of virtual time */
    SCRIPT_TLS,     /* tls */
    SCRIPT_MESSAGE, /* message: in the driver's hand from now on */
    SCRIPT_QUIT,
    SCRIPT_ABORT,
};

struct script_step {
    enum script_verb verb;
    int line; /* where it stands */
    struct hy_buf bytes;
    hy_us us;
    enum hy_smtp_tls_result tls;
    int message;
};

struct script_message {
    struct hy_smtp_message m;
    struct hy_str recipients[HY_SMTP_RECIPIENTS_MAX];
    struct hy_buf content;
};

struct script {
    char *text; /* the file; all views point into it */
    struct hy_smtp_settings settings;
    struct script_step steps[SCRIPT_STEPS_MAX];
    int n_steps;
    struct script_message messages[SCRIPT_MESSAGES_MAX];
    int n_messages;
    struct hy_str results[SCRIPT_RESULTS_MAX]; /* the "=>" lines */
    int n_results;
};

/* NULL, with a note on stdout, when the file cannot be read or is no script. */
struct script *script_load(const char *path);
void script_free(struct script *s);
