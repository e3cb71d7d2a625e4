/* The file of rules that give points, over the API. */
#pragma once
#include "daemon.h"
#include "hayauma/web/web.h"

struct hy_web_scoring api_scoring(struct hy_daemon *d);
/* Puts rules in force that were stored since it was called last, without reading the rest of the
 * configuration. Main thread. */
void api_scoring_look(struct hy_daemon *d);
