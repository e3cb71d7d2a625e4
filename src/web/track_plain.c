/* What browsers and robots ask every server for. */
#include "track_server.h"

static void robots(struct track_call *c)
{
    track_answer(c, 200, "text/plain; charset=utf-8", "Cache-Control: max-age=86400\r\n",
                 HY_STR("User-agent: *\nDisallow: /\n"));
}

static void favicon(struct track_call *c)
{
    track_answer(c, 204, NULL, "Cache-Control: max-age=604800\r\n", HY_STR(""));
}

const struct track_route track_plain_routes[] = {
    {"robots", "/robots.txt", TRACK_GET, robots},
    {"favicon", "/favicon.ico", TRACK_GET, favicon},
    {0},
};
