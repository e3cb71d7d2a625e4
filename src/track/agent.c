/* Kinds of user agents, told by rules in order: the first that is found decides.
 *
 * The rules know habits, not names. A robot of good manners says what it is ("bot", "crawler",
 * "check", "preview") and where its owner is to be found (an address in the text); a library begins
 * with its name and number; a person's program names the system it runs on. What does none of this
 * is no person's. Phrases in which such words mean nothing of the kind (a phone called Cubot) are
 * passed over. (RFC 9110, 10.1.5, is the form of the header.) */
#include "hayauma/track/agent.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/patterns.h"

/* What is read over where words are looked for: PCRE2 goes on behind it. */
#define PASS(phrases) "(?:" phrases ")(*SKIP)(*FAIL)|"

/* The name of a device: what Android puts behind its version. */
#define DEVICE "(?<=android )[\\d.]+; (?:[a-z]{2}-[a-z]{2}; )?[^;)]*"

/* The name of a person's program, or of a thing that a browser works with. */
#define HARMLESS                                                                                   \
    "\\.net(?: clr|\\d\\.\\d[ce]?|fx)?[ /\\d.]*|internet explorer|khtml, like gecko"               \
    "|\\bcubot\\b|camscanner/|(?:ya(?:ndex)?)?search(?:browser|app|widget)?/\\d[\\w.]*"            \
    "|\\b(?:job|in-?app; )search|searchwidget|searchcraft|google ?(?:app|go|play|pixel|tv|earth)"  \
    "|com\\.google\\.\\w+|gsa/|media center pc|qqdownload|officelive\\w*|ask(?:tb|tbar)"           \
    "|microsoft office (?:\\w+/1[0-9]\\.\\d+[./]\\d+|mobile)|mozacfetch|office-?link|\\b\\w+ "     \
    "test\\)"                                                                                      \
    "|security update|webomni|webview|mac_?mail|linkedin|hotlink|opera "                           \
    "link|up\\.link|(?:e|^)links"                                                                  \
    "|the bat!|postbox|alphaserver|server-bag|x-screen|(?:silk|screen)-\\w+|full ?screen"          \
    "|touch ?screen|lorentz/[\\w.]+|monazilla|ecosia \\w+@[\\d.]+|dav4android; okhttp\\d?"         \
    "|\\b\\w+\\.(?:de|io|com|net|ch)/\\d[\\d.]*|/[\\d.]+\\.(?:eu|us|jp|cn)\\b|1passwordthumbs"     \
    "|java(?:script)?(?=[;)])|java(?=[^;)]*midp)|configuration/cldc"

/* What robots call themselves, or what they are for. */
#define TRADES                                                                                     \
    "bot(?![a-z])|bot[_/\\d-]|robot|crawl|spider|slurp|scan|fetch|check|monitor|preview|archiv"    \
    "|valid|\\brss|feed|search|\\bseek|index|extract|download|harvest|scrap|agent(?![a-z])|\\bseo" \
    "|uptime|\\bping|lookup|verif|analy[sz]|\\bclient|library|proxy|headless|phantomjs|slimer"     \
    "|puppeteer|selenium|playwright|webdriver|cypress|lighthouse|page ?speed|synthetic"            \
    "|inspector|screenshot|screenie|screen(?:er|grab|cap)|thumb|snapshot|favicon|wkhtml|webkit2"   \
    "|siege|httrack|nutch|heritrix|scrapy|bench|\\btest|tester|advisor|translat|generator|convert" \
    "|sniff|probe|survey|watch(?! ?os|\\d)|observ|health|audit|securit|reader|aggregat|collect"    \
    "|gather|grab|\\bminer?\\b|parser|track|mirror|copier|offline|teleport|recorder|catch|finder"  \
    "|discover|\\bexplor|engine(?!/)|intelligence|research|universit|studio|dev ?tools|tools\\b"   \
    "|publish|builder|sitemap|site(?:\\d|check|mon|verif)|\\blink|linkdex|\\burl|domain|whois"     \
    "|\\bcms\\b|cloud|\\bserver|daemon|\\bcron|lambda|appengine|workflow|\\bflow\\b|automat|pdf"   \
    "|\\bpng|imag|gallery|mediapartners|adsbot|google[ -](?!chrome)|googleother|googleweb"         \
    "|web ?(?:site|page|master|copy|zip|cache|capture|inspect|mon|dav|hook|mirror)|\\bmon\\b"      \
    "|pageburst|\\brank|brand|alexa|price|compar|shop(?=wiki)|deal|coupon|plagiar|copyright"       \
    "|\\blabs?\\b|labs/|censys|shodan|expanse|netcraft|nmap|masscan|zgrab|openvas|nessus|nikto"    \
    "|sqlmap|acunetix|qualys|wappaly|ptst|dareboost|debugbear|ghost inspector|nodemeter"           \
    "|(?:anti|clam)-?(?:vir|av)|virus|malware|trend ?micro|sophos|barracuda|mimecast|proofpoint"   \
    "|symantec|ironport|messagelabs|blue ?coat|forcepoint|webroot|zscaler|fireeye|sandbox|phish"   \
    "|microsoft office (?:\\w+ )?20\\d\\d|ms-?office existence|office protocol"                    \
    "|microsoft data access|\\((?:macintosh; )?intel mac os x\\) \\w+/\\d[\\d.]*$"

/* Libraries and tools of programs. */
#define LIBRARIES                                                                                  \
    "curl|lib-?curl|py-?curl|wget|aria2|axel|python|py(?:thon)?-?(?:requests|http)|aiohttp|httpx"  \
    "|urllib|requests|php|guzzle\\w*|zend|symfony|laravel|pear|snoopy|ruby|faraday|rest-?client"   \
    "|http(?:arty|\\.rb|client|ie|unit|request|kit)|typhoeus|mechanize|perl|libwww|lwp|www-mech"   \
    "|java|jakarta|apache-http\\w*|okhttp|retrofit|vert\\.?x|async-?http|unirest|netty|go|resty"   \
    "|colly|node|undici|axios|got|superagent|needle|rust|reqwest|hyper|ureq|dart|flutter|swift"    \
    "|alamofire|winhttp|wininet|\\.net|restsharp|dotnet|libsoup|libhttp|neon|serf|poco|cpprest"    \
    "|postman\\w*|insomnia|powershell|erlang|hackney|elixir|finch|clj-http|lua|haskell|akka"       \
    "|spray-can|dispatch|scalaj?|cfnetwork|ns(?:url\\w*|curl)|swcd|indy|synapse|delphi|tcl|grpc|"  \
    "npm"                                                                                          \
    "|yarn|pnpm|pip|composer|gem|cargo|docker|containerd|cri-o|build(?:kit|ah)|helm|gvfs|git"

/* Systems that people sit in front of. */
#define SYSTEMS                                                                                    \
    "windows|\\bwin(?:9|nt|3|6|16|32)|macintosh|mac[ _]os|mac_p|\\bmac\\b|linux|x11|android"       \
    "|iphone|ipad|ipod|\\bcros\\b|symbian|blackberry|tizen|kaios|bb10|playbook|web0?os|amiga"      \
    "|morphos|bsd|nokia|series ?[34568]0|playstation|nintendo|smart-?tv|xbox|haiku|beos|os/2"      \
    "|sunos|osf1|irix|hp-ux|inferno|midp|\\bbrew|mobile|harmony|hmos|risc "                        \
    "os|palm|maemo|meego|bada"                                                                     \
    "|syllable|darwin|compatible; (?:msie|konqueror)"

/* How programs of people begin that do not begin with Mozilla: browsers, phones, mail programs. */
#define BEGINNINGS                                                                                 \
    "opera|ucweb|samsung|sec-|sonyericsson|blackberry|nokia|lg[e-]|mot[o-]|docomo|kddi|softbank"   \
    "|vodafone|j-phone|zte|huawei|alcatel|sagem|sie-|panasonic|sharp|sanyo|philips|audiovox|qc-"   \
    "|haier|micromax|lenovo|oppo|vivo|xiaomi|lava|spice|karbonn|htc|asus|dell|amoi|benq|hisense"   \
    "|dillo|netsurf|konqueror|ibrowse|amiga|voyager|dalvik|quicktime|itunes|nook|kindle|monazilla" \
    "|microsoft (?:outlook|office)|mac ?outlook|outlook|thunderbird|postbox|airmail|apple ?mail"   \
    "|mail\\w*/|mailbar|eudora|pocomail|barca|the bat|foxmail|becky|shuriken|windows ?live ?mail"  \
    "|android|ios|ipad|iphone|ipod|applewebkit|safari|dv\\(|davdroid|mozac|word/|excel/"           \
    "|powerpoint/|onenote/|citrix|sonos|linux upnp"

static const struct rule {
    enum hy_agent_kind kind;
    const char *why, *pattern;
} rules[] = {
    {HY_AGENT_HUMAN, "text-browser", "^(?:lynx|e?links|w3m|ncsa[_ ]mosaic|mosaic)\\b"},
    {HY_AGENT_LIBRARY, "library", "^(?:" LIBRARIES ")(?:[ /_;(,v-]|$)"},
    {HY_AGENT_BOT, "attack",
     "\\$\\{|<\\?|<script|\\bunion\\b.*\\bselect\\b|\\(select\\b|load_file|\\.\\./"
     "\\.\\.|%[23]\\w%"},
    {HY_AGENT_BOT, "contact",
     PASS(HARMLESS) "https?:|www\\.|[\\w.+-]+@[\\w-]+\\.[a-z]|\\+[\\w-]+\\.[a-z]{2}"
                    "|\\b[\\w-]{2,}\\.(?:com|net|org|io|info|biz|eu|de|fr|ru|jp|cn|uk|cz|pl|nl|it"
                    "|es|se|ch|at|ly|gy|ai|dev|app|cloud|xyz|me|tv)\\b(?![.\\d])"},
    {HY_AGENT_HUMAN, "in-app",
     "^(?!.*(?:\\bbot|bot[/_-]|crawl|spider|dev ?tool|headless|selenium))mozilla/.*"
     "(?:; wv\\)|\\[(?:fb|pinterest)|micromessenger/|instagram [\\d.]|\\bline/\\d|\\(inapp)"},
    {HY_AGENT_BOT, "says-so", PASS(DEVICE) PASS(HARMLESS) TRADES},
    {HY_AGENT_HUMAN, "browser", "^[\"' ]*mozilla/\\d[^(\\[]*[(\\[].*(?:" SYSTEMS ")"},
    {HY_AGENT_HUMAN, "app", "^(?:" BEGINNINGS ")"},
    {HY_AGENT_HUMAN, "app", "^(?=.{25})[^/]{1,60}/\\d.*(?:" SYSTEMS ")"},
};
enum { N_RULES = sizeof rules / sizeof *rules, PATTERN_MAX = 8192 };
enum { KNOWN_MAX = 1024, NO_RULE = N_RULES }; /* KNOWN_MAX: a power of two */

/* What was found for a text, by its hash; the newest of those that share a place. */
struct known {
    uint64_t hash; /* keyed: nobody can make two texts of one */
    uint8_t rule;
    bool is_set;
};

struct hy_agents {
    struct hy_patterns *patterns;
    struct known known[KNOWN_MAX];
};

const char *hy_agent_kind_name(enum hy_agent_kind k)
{
    static const char *const names[HY_AGENT_KINDS] = {"human", "bot", "library"};
    return names[k];
}

int hy_agents_new(struct hy_agents **ret)
{
    static const struct hy_patterns_limits limits = {
        .n_max = N_RULES, .pattern_max = PATTERN_MAX, .is_bytes = true};
    struct hy_agents *a = calloc(1, sizeof *a);
    struct hy_diag diag;
    if (!a)
        return HY_ENOMEM;
    int err = hy_patterns_new(&limits, &a->patterns);
    for (size_t i = 0; err == HY_OK && i < N_RULES; i++)
        err = hy_patterns_add(a->patterns, rules[i].pattern, &diag);
    if (err != HY_OK)
        hy_agents_free(a);
    else
        *ret = a;
    return err;
}

void hy_agents_free(struct hy_agents *a)
{
    if (!a)
        return;
    hy_patterns_free(a->patterns);
    free(a);
}

static uint8_t rule_of(struct hy_agents *a, struct hy_str agent)
{
    uint64_t hash = hy_siphash(hy_hash_process_key(), agent.p, agent.n);
    struct known *k = &a->known[hash & (KNOWN_MAX - 1)];
    if (!k->is_set || k->hash != hash) {
        size_t i = hy_patterns_find(a->patterns, agent);
        *k = (struct known){hash, i == SIZE_MAX ? NO_RULE : (uint8_t)i, true};
    }
    return k->rule;
}

struct hy_agent hy_agent_of(struct hy_agents *a, struct hy_str agent)
{
    agent = hy_str_trim(agent);
    if (agent.n == 0)
        return (struct hy_agent){HY_AGENT_BOT, "none"};
    if (agent.n > HY_AGENT_MAX)
        agent.n = HY_AGENT_MAX;
    uint8_t i = rule_of(a, agent);
    if (i == NO_RULE)
        return (struct hy_agent){HY_AGENT_BOT, "unknown"};
    return (struct hy_agent){rules[i].kind, rules[i].why};
}
