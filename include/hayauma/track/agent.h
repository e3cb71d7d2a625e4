/* What the text of a User-Agent header says of who sent it: a person's browser, mail program or
 * app; a robot; or a library that somebody's program uses. Pure.
 *
 * The text is what its sender wants to be taken for: a robot may call itself a browser. It is one
 * sign among others, and the only one that needs nothing but the request. */
#pragma once
#include "hayauma/base/str.h"

enum { HY_AGENT_MAX = 1024 }; /* bytes of the header that are looked at */

enum hy_agent_kind { HY_AGENT_HUMAN, HY_AGENT_BOT, HY_AGENT_LIBRARY, HY_AGENT_KINDS };
const char *hy_agent_kind_name(enum hy_agent_kind k); /* "human", "bot", "library" */

struct hy_agent {
    enum hy_agent_kind kind;
    const char *why; /* a word for logs and reports: "browser", "says-so", "contact", ... */
};

/* The rules, compiled, and what was lately found by them: most hits bring one of a few hundred
 * texts. One thread. */
struct hy_agents;
HY_MUST_USE int hy_agents_new(struct hy_agents **ret); /* HY_ENOMEM */
/* `agent`: the header's value, any bytes; empty when there was none. */
struct hy_agent hy_agent_of(struct hy_agents *agents, struct hy_str agent);
void hy_agents_free(struct hy_agents *agents);
