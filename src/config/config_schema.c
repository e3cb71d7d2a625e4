/* Every key of hayauma.yaml: one row each. The shipped file, the manual page and the checks are
 * all made from this table; to add a key, add the field to struct hy_config and a row here, then
 * run tools/gen-config-docs. */
#include "config_schema.h"

#include "hayauma/config/config.h"
#include "hayauma/config/shaping.h"
#include "hayauma/track/company.h"

#define KIB        (1LL << 10)
#define MIB        (1LL << 20)
#define GIB        (1LL << 30)
#define TIB        (1LL << 40)
#define MS         1000LL
#define SEC        1000000LL
#define MIN        (60 * SEC)
#define HOUR       (60 * MIN)
#define DAY        (24 * HOUR)

#define F(field)   SCHEMA_FIELD(struct hy_config, field)
#define KEY(field) SCHEMA_FIELD(struct hy_config_dkim_key, field)

const struct config_section config_sections[] = {
    {"node", "This machine."},
    {"paths", "Where things lie. Relative paths start at the folder of this file."},
    {"store", "The embedded database."},
    {"dns", "Looking up where mail goes."},
    {"delivery", "Sending. Limits per receiving site stand in the file paths.shaping names."},
    {"dkim", "Signatures. 'hayauma dkim keygen' makes a key and prints its DNS record."},
    {"crypto", "How OpenSSL uses the processor."},
    {"tls", "Encryption on the way out. What is asked of each receiving site stands in "
            "the file paths.shaping names."},
    {"tracking", "Links and the beacon that tell what is read, and the server that answers them: "
                 "docs/guides/tracking.md."},
    {"web_tag",
     "The script that tells what visitors of your own web sites do: docs/guides/site.md."},
    {"submission", "Where other applications hand messages in: docs/guides/submission.md."},
    {"tenants", "Those for whom this installation sends, kept apart from each other: "
                "docs/guides/tenants.md."},
    {"api", "The HTTP API: docs/guides/api.md."},
    {"dsn", "What the senders of handed-in messages are told: docs/guides/submission.md."},
    {"intake", "Mail that comes back: bounces, complaints, unsubscribing, answers."},
    {"bounce", "Return paths, and unsubscribing by mail."},
    {"suppression", "Addresses that nothing is sent to: docs/guides/suppression.md."},
    {"mail", "What campaigns need not say."},
    {"campaign", "How campaigns are held back. A campaign's own file may say otherwise."},
    {"reaction", "What follows from what people do: docs/guides/reactions.md."},
    {"scoring", "Points for what leads do and are: docs/guides/scoring.md."},
    {"events", "What happens to messages and leads, told to others: docs/guides/events.md."},
    {"log", "Where the daemon tells what it does."},
    {"metrics", "Figures for Prometheus, over HTTP: docs/metrics.md."},
    {"control", "The socket that the hayauma command talks to."},
    {"import", "Limits on lists of leads."},
    {NULL, NULL},
};

static const struct schema_name families[] = {{"ipv4-first", HY_MX_IPV4_FIRST},
                                              {"ipv6-first", HY_MX_IPV6_FIRST},
                                              {"ipv4-only", HY_MX_IPV4_ONLY},
                                              {"ipv6-only", HY_MX_IPV6_ONLY},
                                              {0}};
static const struct schema_name shaping_words[] = {{HY_SHAPING_PRESETS, 0}, {0}};
static const struct schema_name validating[] = {
    {"auto", HY_VALIDATING_AUTO}, {"yes", HY_VALIDATING_YES}, {"no", HY_VALIDATING_NO}, {0}};
static const struct schema_name in_doubt[] = {
    {"resend", HY_IN_DOUBT_RESEND}, {"hold", HY_IN_DOUBT_HOLD}, {0}};
static const struct schema_name tune_modes[] = {{"auto", HY_TUNE_AUTO}, {"off", HY_TUNE_OFF}, {0}};
static const struct schema_name log_targets[] = {{"stderr", HY_LOG_TO_STDERR},
                                                 {"json", HY_LOG_TO_JSON},
                                                 {"journal", HY_LOG_TO_JOURNAL},
                                                 {"none", HY_LOG_TO_NOWHERE},
                                                 {0}};
static const struct schema_name log_levels[] = {
    {"error", HY_LOG_ERROR}, {"warning", HY_LOG_WARNING}, {"notice", HY_LOG_NOTICE},
    {"info", HY_LOG_INFO},   {"debug", HY_LOG_DEBUG},     {0}};

static const struct schema_row dkim_key_rows[] = {
    {"domain", SCHEMA_HOSTNAME, SCHEMA_REQUIRED, KEY(domain),
     .doc = "Signs mail whose From is in this domain or below it."},
    {"selector", SCHEMA_HOSTNAME, SCHEMA_REQUIRED, KEY(selector),
     .doc = "The record stands at SELECTOR._domainkey.DOMAIN."},
    {"file", SCHEMA_STRING, SCHEMA_REQUIRED, KEY(key_file), .max = 1024,
     .doc = "PEM file of the private key, RSA or Ed25519; relative to paths.dkim_dir."},
    {"tenant", SCHEMA_STRING, 0, KEY(tenant), .max = HY_TENANT_NAME_MAX,
     .doc = "Signs mail of this tenant only. \"\" = of the installation, and of tenants with "
            "installation_keys."},
};
const struct schema dkim_key_schema = {dkim_key_rows,
                                       sizeof dkim_key_rows / sizeof dkim_key_rows[0],
                                       sizeof(struct hy_config_dkim_key), NULL};

static const struct schema_row rows[] = {
    {"node.id", SCHEMA_INT, SCHEMA_RESTART, F(node.id), 0, 1023, "0",
     .doc = "A number that no other node of the same installation has: it is in every id."},
    {"node.hostname", SCHEMA_HOSTNAME, 0, F(node.hostname), .zero = "auto", .def = "auto",
     .doc = "Full name of this machine: EHLO greets with it, Message-ID ends with it. auto = what "
            "the system says."},

    {"paths.data_dir", SCHEMA_PATH, SCHEMA_RESTART | SCHEMA_REQUIRED, F(paths.data_dir),
     .def = "/var/lib/hayauma", .doc = "The database and the in-flight table."},
    {"paths.run_dir", SCHEMA_PATH, SCHEMA_RESTART | SCHEMA_REQUIRED, F(paths.run_dir), .max = 86,
     .def = "/run/hayauma", .doc = "The control socket, unless control.socket says otherwise."},
    {"paths.dkim_dir", SCHEMA_PATH, 0, F(paths.dkim_dir), .def = "/etc/hayauma/dkim",
     .doc = "Private keys."},
    {"paths.shaping", SCHEMA_PATHS, 0, F(paths.shaping), .def = CONFIG_SHAPING,
     .names = shaping_words,
     .doc =
         "Limits per receiving site: files, and folders of *.yaml, each on top of those before "
         "it; 'presets' are the rules that come with hayauma. [] = one set of careful limits for "
         "all. Those of the default may be missing."},
    {"paths.bounces", SCHEMA_PATHS, 0, F(paths.bounces), .def = CONFIG_BOUNCES,
     .names = shaping_words,
     .doc = "Rules that tell from the words of a refusal why mail came back: files, each asked "
            "before those in front of it; 'presets' are the rules that come with hayauma. Those of "
            "the default may be missing."},

    {"store.commit_interval", SCHEMA_DURATION, SCHEMA_RESTART, F(store.commit_interval_us), 1 * MS,
     10 * SEC, "50ms",
     .doc = "Changes are written to disk together, at the latest after this: what a power cut can "
            "take back. A killed daemon loses nothing."},
    {"store.commit_max", SCHEMA_INT, SCHEMA_RESTART, F(store.commit_max), 1, 1000000, "4096",
     .doc = "... or when this many wait."},
    {"store.map_max", SCHEMA_SIZE, SCHEMA_RESTART, F(store.map_max_bytes), 16 * MIB, 64 * TIB,
     "1TiB", .doc = "The database grows by itself, but never past this."},
    {"store.min_free", SCHEMA_SIZE, SCHEMA_RESTART, F(store.min_free_bytes), 0, 64 * TIB, "256MiB",
     .doc = "With less free on the disk, imports and new campaigns are refused until there is room "
            "again; nothing is lost."},
    {"store.log_retention", SCHEMA_DURATION, 0, F(store.log_retention_us), 1 * HOUR, 3650 * DAY,
     "90d", .zero = "forever", .doc = "Attempts older than this are forgotten."},
    {"store.activity_retention", SCHEMA_DURATION, 0, F(store.activity_retention_us), 1 * HOUR,
     36500 * DAY, "1095d", .zero = "forever",
     .doc = "What people did (opens, clicks, visits, orders ...) is forgotten when it is older: "
            "segments and scores look back no further."},
    {"store.readers", SCHEMA_INT, SCHEMA_RESTART, F(store.readers_max), 16, 4096, "256",
     .doc = "Reads of the database at the same time."},

    {"dns.servers", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(dns.servers), .min = 53, .max = 16,
     .doc = "Resolvers to ask, as ADDRESS or ADDRESS:PORT. Empty = those of /etc/resolv.conf. A "
            "resolver on this machine is best.",
     .example = "[127.0.0.1, \"[::1]:5353\"]"},
    {"dns.timeout", SCHEMA_DURATION, SCHEMA_RESTART, F(dns.timeout_us), 100 * MS, 60 * SEC, "3s",
     .doc = "Wait for one answer of one server."},
    {"dns.tries", SCHEMA_INT, SCHEMA_RESTART, F(dns.tries), 1, 10, "3",
     .doc = "Rounds over the servers."},
    {"dns.cache_max", SCHEMA_INT, SCHEMA_RESTART, F(dns.cache_max), 1000, 10000000, "200000",
     .doc = "Names to remember."},
    {"dns.family", SCHEMA_ENUM, SCHEMA_RESTART, F(dns.family), .names = families,
     .def = "ipv4-first",
     .doc = "Addresses to deliver to, and their order: ipv4-first, ipv6-first, ipv4-only or "
            "ipv6-only."},
    {"dns.allow_local", SCHEMA_BOOL, SCHEMA_RESTART, F(dns.allow_local), .def = "false",
     .doc = "Deliver to loopback and link-local addresses too: for tests on one machine. "
            "Otherwise a domain that points there is refused."},
    {"dns.validating", SCHEMA_ENUM, SCHEMA_RESTART, F(dns.validating), .names = validating,
     .def = "auto",
     .doc = "Whether the resolvers validate by DNSSEC and the way to them is safe, as DANE needs: "
            "auto = if all are on this machine (127.0.0.1, ::1), yes, or no. That they do validate "
            "is tried out at the start and every hour; DANE is off while they do not."},
    {"dns.validation_probe", SCHEMA_STRING, SCHEMA_RESTART, F(dns.probe), .max = 253,
     .doc = "The name to try it with, in a zone that is signed. \"\" = the root."},
    {"dns.hosts_as_self", SCHEMA_HOSTNAMES, SCHEMA_RESTART, F(dns.hosts_as_self),
     .doc = "Further names of this machine: mail is not sent to an MX of such a name (a loop).",
     .example = "[mx.example.jp]"},

    {"delivery.workers", SCHEMA_INT, SCHEMA_RESTART, F(delivery.workers), 1, 64, "auto",
     .zero = "auto", .doc = "Threads that speak SMTP. auto = by the processors."},
    {"delivery.press_threads", SCHEMA_INT, SCHEMA_RESTART, F(delivery.press_threads), 1, 256,
     "auto", .zero = "auto", .doc = "Threads that render and sign. auto = one for each processor."},
    {"delivery.max_connections", SCHEMA_INT, SCHEMA_RESTART, F(delivery.max_connections), 1, 100000,
     "10000", .doc = "Connections open at once, over all sites."},
    {"delivery.smtp_port", SCHEMA_INT, SCHEMA_RESTART, F(delivery.smtp_port), 1, 65535, "25",
     .doc = "Port of the receiving servers; anything else is for tests."},
    {"delivery.press_memory", SCHEMA_SIZE, SCHEMA_RESTART, F(delivery.press_memory_bytes), 1 * MIB,
     64 * GIB, "64MiB", .doc = "Rendered messages that wait for a connection take at most this."},
    {"delivery.open_domains", SCHEMA_INT, SCHEMA_RESTART, F(delivery.open_domains), 16, 1000000,
     "20000", .doc = "Recipient domains worked on at once, over all campaigns."},
    {"delivery.rows_ahead", SCHEMA_INT, SCHEMA_RESTART, F(delivery.rows_ahead), 16, 65536, "128",
     .doc = "Recipients read ahead for one domain."},
    {"delivery.in_flight_max", SCHEMA_INT, SCHEMA_RESTART, F(delivery.in_flight_max), 1024,
     16777216, "65536",
     .doc = "Recipients between the start of an attempt and the commit of its outcome."},
    {"delivery.drain_timeout", SCHEMA_DURATION, 0, F(delivery.drain_timeout_us), 1 * SEC, 1 * HOUR,
     "30s", .doc = "A graceful stop waits at most this for replies that are due."},
    {"delivery.in_doubt", SCHEMA_ENUM, SCHEMA_RESTART, F(delivery.in_doubt), .names = in_doubt,
     .def = "resend",
     .doc = "What to do after a crash with mail whose final dot was sent and whose reply never "
            "came: resend (at worst a second copy) or hold."},
    {"delivery.max_message_size", SCHEMA_SIZE, 0, F(delivery.max_message_bytes), 64 * KIB,
     256 * MIB, "32MiB", .doc = "A campaign whose messages would be larger is refused."},
    {"delivery.sources", SCHEMA_LIST, 0, F(delivery.sources), .max = 256, .items = &source_schema,
     .doc = "Addresses to send from. Empty = the system chooses, and EHLO says node.hostname. See "
            "docs/guides/sources.md.",
     .example = "- name: tokyo-1\n"
                "  address: 192.0.2.10\n"
                "  address6: 2001:db8::10\n"
                "  ehlo: out1.example.jp\n"
                "- name: tokyo-2\n"
                "  address: 192.0.2.11\n"
                "  ehlo: out2.example.jp"},
    {"delivery.pools", SCHEMA_LIST, 0, F(delivery.pools), .max = 64, .items = &pool_schema,
     .doc = "Sources that share the mail of a campaign by their weights; a campaign names one with "
            "'pool'. Each source is a pool of its own by its name, too.",
     .example = "- name: bulk\n"
                "  sources: {tokyo-1: 3, tokyo-2: 1}"},
    {"delivery.pool", SCHEMA_STRING, 0, F(delivery.pool), .max = 63,
     .doc = "Pool, or source, of campaigns that name none. \"\" = all sources."},
    {"delivery.warmup_plans", SCHEMA_LIST, 0, F(delivery.warmup_plans), .max = 64,
     .items = &warmup_schema,
     .doc = "Plans for addresses that receivers do not know yet, besides 'careful', 'usual' and "
            "'fast', which come with hayauma.",
     .example = "- name: mine\n"
                "  days: [50, 100, 200, 400, 800, 1600, 3200, 6400]\n"
                "  providers: {gmail: \"20, 40, 80, 160, 320, 640, 1280\"}"},

    {"dkim.keys", SCHEMA_LIST, 0, F(dkim.keys), .max = 1024, .items = &dkim_key_schema,
     .doc = "Every key whose domain matches signs: one RSA and one Ed25519 key side by side, or an "
            "old and a new one.",
     .example = "- domain: example.jp\n"
                "  selector: s2026\n"
                "  file: example.jp.s2026.pem\n"
                "- domain: example.jp\n"
                "  selector: e2026\n"
                "  file: example.jp.e2026.pem"},
    {"dkim.headers", SCHEMA_STRINGS, 0, F(dkim.headers), .max = 64,
     .doc = "Header fields to sign besides those that always are (From, To, Cc, Subject, Date, "
            "Message-ID, Reply-To, MIME-Version, Content-*, List-*, Feedback-ID ...).",
     .example = "[X-Campaign]"},
    {"dkim.oversign", SCHEMA_STRINGS, 0, F(dkim.oversign), .max = 64,
     .doc = "Fields signed once more than they stand, so that nobody can add one. Those that are "
            "always signed are so already, but for List-Id, which mailing lists add.",
     .example = "[X-Campaign]"},
    {"dkim.expire", SCHEMA_DURATION, 0, F(dkim.expire_us), 1 * HOUR, 365 * DAY, "never",
     .zero = "never", .doc = "Signatures say that they end after this (x=)."},
    {"dkim.required", SCHEMA_BOOL, 0, F(dkim.is_required), .def = "false",
     .doc = "Refuse to start a campaign whose From domain has no key."},

    {"crypto.tune", SCHEMA_ENUM, SCHEMA_RESTART, F(crypto.tune), .names = tune_modes, .def = "auto",
     .doc =
         "On some processors OpenSSL signs much faster when a feature is hidden from it. auto = "
         "what 'hayauma tune' found; without that, the first start measures, for 0.25 s at most. "
         "off = OpenSSL as it is."},

    {"tls.ca_file", SCHEMA_PATH, SCHEMA_RESTART, F(tls.ca_file),
     .doc = "PEM file with the authorities that certificates of receiving servers and of their "
            "policies are checked against. \"\" = the system's."},
    {"tls.mta_sts_port", SCHEMA_INT, SCHEMA_RESTART, F(tls.mta_sts_port), 1, 65535, "443",
     .doc = "Port that MTA-STS policies are fetched from; anything else is for tests."},
    {"tls.mta_sts_wait", SCHEMA_DURATION, SCHEMA_RESTART, F(tls.mta_sts_wait_us), 100 * MS, 5 * MIN,
     "10s",
     .doc =
         "The first mail to a domain that announces a policy waits this long for it; then it goes "
         "as if there was none."},
    {"tls.report_from", SCHEMA_STRING, 0, F(tls.report_from), .max = 254,
     .doc =
         "With an address here, each domain that asks for them gets a report a day on how TLS to "
         "it went (RFC 8460), by HTTPS or by mail from this address. A key under dkim.keys must "
         "sign for its domain. \"\" = none are sent."},
    {"tls.report_spread", SCHEMA_DURATION, 0, F(tls.report_spread_us), 0, 12 * HOUR, "4h",
     .doc = "They leave at a time of this node's own within so long after midnight UTC."},
    {"tls.report_organization", SCHEMA_STRING, 0, F(tls.organization), .max = 128,
     .doc = "Who they say they are from. \"\" = node.hostname."},
    {"tls.report_contact", SCHEMA_STRING, 0, F(tls.contact), .max = 254,
     .doc = "Whom they say to write to. \"\" = tls.report_from. When one of the two is set, good "
            "sessions to domains without a policy are counted, too; otherwise only failures and "
            "domains with one."},

    {"tracking.base_url", SCHEMA_STRING, 0, F(tracking.base_url), .max = 512,
     .doc = "https://NAME/ under which tracked links, the beacon and one-click unsubscribing are "
            "reached. \"\" = nothing is tracked."},
    {"tracking.links", SCHEMA_BOOL, 0, F(tracking.links), .def = "true",
     .doc = "Rewrite links, where a campaign does not say otherwise."},
    {"tracking.beacon", SCHEMA_BOOL, 0, F(tracking.beacon), .def = "true",
     .doc = "Insert the beacon, where a campaign does not say otherwise."},
    {"tracking.secret", SCHEMA_PATH, SCHEMA_RESTART, F(tracking.secret_file),
     .doc = "File with a secret of 64 hexadecimal digits that signs links and return paths, for "
            "several nodes that answer for each other. \"\" = the database's own, made with it."},
    {"tracking.listen", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(tracking.listen), .min = 80, .max = 16,
     .doc = "Where browsers are answered without TLS: clicks, beacons, unsubscribing, the web tag. "
            "For the port 80 of plain links, or behind a proxy that does TLS. Empty = nowhere.",
     .example = "[\"127.0.0.1:8080\"]"},
    {"tracking.listen_tls", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(tracking.listen_tls), .min = 443,
     .max = 16, .doc = "The same with TLS; tracking.hosts has the certificates.",
     .example = "[\"0.0.0.0:443\", \"[::]:443\"]"},
    {"tracking.hosts", SCHEMA_LIST, 0, F(tracking.hosts), .max = 64, .items = &tracking_host_schema,
     .doc = "Names under which browsers come. The first is shown to those that say none. A "
            "campaign may name one of them (tracking.host).",
     .example = "- name: t.example.jp\n  certificate: /etc/hayauma/tls/t.example.jp.pem\n"
                "  private_key: /etc/hayauma/tls/t.example.jp.key"},
    {"tracking.sites", SCHEMA_HOSTNAMES, SCHEMA_WILDCARD, F(tracking.sites), .max = 64,
     .doc = "Your own web sites with the web tag: a click that goes to one of them takes along who "
            "clicked, signed (?hy=), so that no cookie is needed. *.NAME is any host below it.",
     .example = "[www.example.jp, \"*.shop.example\"]"},
    {"tracking.trusted_proxies", SCHEMA_STRINGS, 0, F(tracking.trusted_proxies), .max = 256,
     .doc = "Networks of proxies whose X-Forwarded-For tells who the browser is.",
     .example = "[127.0.0.1, \"2001:db8::/64\"]"},
    {"tracking.max_connections", SCHEMA_INT, 0, F(tracking.max_connections), 1, 60000, "10000",
     .doc = "At the same time; the one that is idle longest ends for who comes."},
    {"tracking.connections_per_address", SCHEMA_INT, 0, F(tracking.connections_per_address), 1,
     60000, "500", .doc = "Of one address (a /64 of IPv6) that is no trusted proxy; more get 429."},
    {"tracking.hits_per_token", SCHEMA_INT, 0, F(tracking.hits_per_token), 0, 60000, "30",
     .zero = "unlimited",
     .doc = "Clicks of one link, or opens, of one person's mail that are noted within a minute. "
            "Those beyond are answered as ever and counted (hayauma_tracking_limited_total), but "
            "become no activities: a mail that is forwarded to many stays seen, and a loop of "
            "requests slows nothing."},
    {"tracking.hits_per_visitor", SCHEMA_INT, 0, F(tracking.hits_per_visitor), 0, 60000, "120",
     .zero = "unlimited",
     .doc = "What one visitor of tracking.sites does that is noted within a minute, likewise."},
    {"tracking.hits_per_lead", SCHEMA_INT, 0, F(tracking.hits_per_lead), 0, 60000, "1000",
     .zero = "unlimited",
     .doc = "What one person does, in mails and on sites, that is noted within an hour, likewise."},
    {"tracking.hits_per_address", SCHEMA_INT, 0, F(tracking.hits_per_address), 0, 60000, "60000",
     .zero = "unlimited",
     .doc = "What comes from one address (a /64 of IPv6) that is noted within a minute, likewise. "
            "Gateways and image proxies speak for many thousands: keep it high."},
    {"tracking.privacy_relays", SCHEMA_PATH, 0, F(tracking.privacy_relays),
     .doc =
         "File with the networks that Apple fetches the images of mails through, as Apple "
         "publishes it (egress-ip-ranges.csv: a network a line, then anything): an open from "
         "there is one of Mail Privacy Protection. \"\" = told by the user agent and Apple's own "
         "networks alone."},
    {"tracking.journal", SCHEMA_SIZE, SCHEMA_RESTART, F(tracking.journal_bytes), 1 * MIB, 16 * GIB,
     "128MiB",
     .doc = "Room on the disk for clicks and opens that the database has not yet, taken at the "
            "start: about 4,000 a MiB. Needed while the disk is full or the database waits; when "
            "it is used up, browsers are still answered, but what they did is lost, and counted."},

    {"web_tag.key_pages", SCHEMA_PAIRS, 0, F(web_tag.key_pages), .max = 100,
     .doc =
         "Pages that mean more than others, by name: patterns of their path apart by spaces, * is "
         "anything. A view of one is noted as a key page, too.",
     .example = "pricing: \"/price* /plans/*\"\ncontact: /contact"},
    {"web_tag.companies", SCHEMA_PATH, 0, F(web_tag.companies),
     .doc =
         "Tells whose network a visitor comes from: a table (CSV: network, company, domain, isp) "
         "or a file in MaxMind's format. Networks of providers are left out. \"\" = nobody "
         "looks."},
    {"web_tag.providers", SCHEMA_STRINGS, 0, F(web_tag.providers), .max = HY_COMPANY_WORDS_MAX,
     .doc = "Words in the name of a company that make it a provider, besides those that hayauma "
            "knows.",
     .example = "[\"Example Telecom\"]"},
    {"web_tag.cookieless", SCHEMA_BOOL, 0, F(web_tag.is_cookieless), .def = "false",
     .doc = "What 'hayauma web snippet' and the notice say: the number of a visitor is kept for a "
            "session of the browser, in no cookie."},
    {"web_tag.cookie_days", SCHEMA_INT, 0, F(web_tag.cookie_days), 1, 395, "395",
     .doc = "How long the cookie lives, likewise: at most 13 months."},
    {"web_tag.notice", SCHEMA_BOOL, 0, F(web_tag.shows_notice), .def = "false",
     .doc = "Whether the tracking server shows at /notice what is sent, to whom and what for, as "
            "Japan's rule on external transmission asks for. 'hayauma web notice' prints it."},
    {"web_tag.operator", SCHEMA_STRING, 0, F(web_tag.operator_name), .max = 200,
     .doc = "Who runs the site and uses what is sent, in the notice."},
    {"web_tag.contact", SCHEMA_STRING, 0, F(web_tag.contact), .max = 200,
     .doc = "Whom visitors may ask, in the notice: a mail address, a telephone number."},
    {"web_tag.policy_url", SCHEMA_STRING, 0, F(web_tag.policy_url), .max = 1000,
     .doc = "The page with the privacy policy, in the notice.",
     .example = "https://www.example.jp/privacy"},
    {"web_tag.purposes", SCHEMA_PAIRS, 0, F(web_tag.purposes), .max = 20,
     .doc = "What the operator uses it for, in the notice, in place of the usual purposes: each in "
            "English, and behind the colon in Japanese.",
     .example = "to plan our exhibitions: 展示会の企画"},
    {"web_tag.recipients", SCHEMA_PAIRS, 0, F(web_tag.recipients), .max = 20,
     .doc = "Others whom pages of the site send to (analytics, advertising), in the notice, each "
            "with what is sent and what for: in English, and behind the colon in Japanese.",
     .example = "\"Example Analytics Inc. (pages viewed; statistics)\": "
                "\"Example Analytics 社 (閲覧したページ、統計のため)\""},
    {"web_tag.join_back", SCHEMA_DURATION, 0, F(web_tag.join_back_us), 0, 3650 * DAY, "90d",
     .zero = "never",
     .doc = "When a visitor becomes known, what the same browser did within this time before "
            "becomes the lead's, too; older visits stay nobody's."},

    {"submission.listen", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(submission.listen), .min = 587,
     .max = 16,
     .doc = "Where other applications hand messages in by SMTP, with STARTTLS and a password. "
            "Empty = nowhere.",
     .example = "[\"0.0.0.0:587\", \"[::]:587\"]"},
    {"submission.listen_tls", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(submission.listen_tls),
     .min = 465, .max = 16, .doc = "The same with TLS from the first byte.",
     .example = "[\"0.0.0.0:465\"]"},
    {"submission.certificate", SCHEMA_PATH, 0, F(submission.certificate),
     .doc = "PEM file with the certificate and its chain. \"\" = no TLS, and nobody can log in."},
    {"submission.private_key", SCHEMA_PATH, 0, F(submission.private_key),
     .doc = "PEM file with its key. \"\" = it is in the same file."},
    {"submission.users", SCHEMA_PATH, 0, F(submission.users),
     .doc =
         "File of those who may log in, a line each: name:hash:domains[:tenant]. 'hayauma "
         "password' makes one; domains are those of its tenant that From and the sender may have "
         "(example.net,*.example.net, or * for any). \"\" = nobody."},
    {"submission.trusted", SCHEMA_STRINGS, 0, F(submission.trusted), .max = 256,
     .doc = "Networks whose hosts may send as anybody without TLS and password.",
     .example = "[127.0.0.1, \"::1\", 10.1.0.0/16]"},
    {"submission.proxies", SCHEMA_STRINGS, 0, F(submission.proxies), .max = 256,
     .doc = "Networks of proxies that begin each connection with a PROXY header (version 1 or 2), "
            "which says who the client is. Connections of theirs without one end.",
     .example = "[10.1.0.5]"},
    {"submission.max_connections", SCHEMA_INT, 0, F(submission.max_connections), 1, 60000, "1000",
     .doc = "At the same time."},
    {"submission.connections_per_address", SCHEMA_INT, 0, F(submission.connections_per_address), 1,
     60000, "50", .doc = "Of one address (a /64 of IPv6) that is not trusted."},
    {"submission.max_recipients", SCHEMA_INT, 0, F(submission.max_recipients), 1, 10000, "1000",
     .doc = "Of one message."},
    {"submission.memory", SCHEMA_SIZE, 0, F(submission.memory_bytes), 1 * MIB, 64 * GIB, "256MiB",
     .doc = "Of messages on their way in. With more, further ones are asked to come later; how "
            "large one may be says delivery.max_message_size."},
    {"submission.maildrop", SCHEMA_PATH, SCHEMA_RESTART, F(submission.maildrop),
     .doc = "Directory where the sendmail command leaves messages, whether the daemon runs or not. "
            "It is made when it is not there. \"\" = none is looked at.",
     .example = "/var/spool/hayauma/maildrop"},

    {"tenants", SCHEMA_LIST, 0, F(tenants), .max = HY_TENANTS_MAX, .items = &tenant_schema,
     .doc = "Users (submission.users) and campaigns name one; who names none belongs to the "
            "installation itself (default, number 0), which may have an entry, too.",
     .example = "- name: shop\n  number: 1\n  from_domains: [shop.example, \"*.shop.example\"]\n"
                "  messages_per_day: 100000\n  weight: 30"},
    {"api.listen", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(api.listen), .min = 8025, .max = 16,
     .doc = "Where the HTTP API is served without TLS: on this machine (127.0.0.1, ::1), or behind "
            "the proxies of api.trusted_proxies, which do TLS. Empty = nowhere.",
     .example = "[\"127.0.0.1:8025\"]"},
    {"api.listen_tls", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(api.listen_tls), .min = 8443, .max = 16,
     .doc = "The same with TLS.", .example = "[\"0.0.0.0:8443\", \"[::]:8443\"]"},
    {"api.certificate", SCHEMA_PATH, 0, F(api.certificate),
     .doc = "PEM file with the certificate and its chain; read anew at a reload."},
    {"api.private_key", SCHEMA_PATH, 0, F(api.private_key),
     .doc = "PEM file with its key. \"\" = it is in the same file."},
    {"api.tokens", SCHEMA_PATH, 0, F(api.tokens), .def = "/etc/hayauma/tokens",
     .doc = "File of those who may use it; 'hayauma token create' adds to it."},
    {"api.trusted_proxies", SCHEMA_STRINGS, 0, F(api.trusted_proxies), .max = 256,
     .doc = "Networks of proxies that may speak without TLS, and whose X-Forwarded-For tells who "
            "the client is.",
     .example = "[10.1.0.5, \"2001:db8::/64\"]"},
    {"api.max_connections", SCHEMA_INT, 0, F(api.max_connections), 1, 60000, "1000",
     .doc = "At the same time; the one that is idle longest ends for who comes."},
    {"api.connections_per_address", SCHEMA_INT, 0, F(api.connections_per_address), 1, 60000, "200",
     .doc = "Of one address (a /64 of IPv6) that is no trusted proxy; more get 429."},
    {"api.max_body", SCHEMA_SIZE, 0, F(api.max_body_bytes), 64 * KIB, 256 * MIB, "48MiB",
     .doc = "A larger request is refused. Attachments take 4/3 of their size."},
    {"api.memory", SCHEMA_SIZE, 0, F(api.memory_bytes), 1 * MIB, 64 * GIB, "256MiB",
     .doc = "Of requests on their way in. With more, further ones are asked to come later."},
    {"api.access_log", SCHEMA_PATH, 0, F(api.access_log),
     .doc = "File that gets a JSON line for each request; a reload opens it anew. \"\" = none."},

    {"dsn.from", SCHEMA_STRING, 0, F(dsn.from), .max = 254,
     .doc = "From of reports to the senders of messages that other applications handed in. \"\" = "
            "mailer-daemon@ node.hostname, or, when no key signs for that, at the domain of the "
            "message."},
    {"dsn.gather", SCHEMA_DURATION, 0, F(dsn.gather_us), 0, 1 * HOUR, "10s",
     .doc = "A report waits this long, so that it tells of further recipients of the message."},
    {"dsn.delay", SCHEMA_DURATION, 0, F(dsn.delay_us), 0, 30 * DAY, "4h", .zero = "never",
     .doc = "Who asked for it (NOTIFY=DELAY) is told of mail that has not been delivered so long."},
    {"dsn.return_max", SCHEMA_SIZE, 0, F(dsn.return_max_bytes), 0, 16 * MIB, "64KiB",
     .doc = "Of larger messages only the header is returned."},

    {"intake.listen", SCHEMA_ENDPOINTS, SCHEMA_RESTART, F(intake.listen), .min = 25, .max = 16,
     .doc = "Where mail that comes back is taken by SMTP. Only return paths with a token of ours, "
            "bounce.unsubscribe_mailto and the addresses below are; everything else is refused. "
            "Empty = nowhere; 'hayauma intake' always works.",
     .example = "[\"0.0.0.0:25\", \"[::]:25\"]"},
    {"intake.certificate", SCHEMA_PATH, 0, F(intake.certificate),
     .doc = "PEM file with the certificate and its chain. \"\" = STARTTLS is not offered."},
    {"intake.private_key", SCHEMA_PATH, 0, F(intake.private_key),
     .doc = "PEM file with its key. \"\" = it is in the same file."},
    {"intake.complaints", SCHEMA_STRINGS, 0, F(intake.complaints), .max = 64,
     .doc = "Addresses that feedback loops of providers send their reports to.",
     .example = "[fbl@bounce.example.jp]"},
    {"intake.replies", SCHEMA_STRINGS, 0, F(intake.replies), .max = 256,
     .doc = "Addresses that people answer to. What comes there is noted, not kept.",
     .example = "[reply@bounce.example.jp, postmaster@bounce.example.jp]"},
    {"intake.max_connections", SCHEMA_INT, 0, F(intake.max_connections), 1, 60000, "500",
     .doc = "At the same time."},
    {"intake.connections_per_address", SCHEMA_INT, 0, F(intake.connections_per_address), 1, 60000,
     "50", .doc = "Of one address (a /64 of IPv6)."},
    {"intake.max_message_size", SCHEMA_SIZE, 0, F(intake.size_max), 64 * KIB, 256 * MIB, "20MiB",
     .doc = "Larger mail is refused. Of each the first MiB is read."},
    {"intake.memory", SCHEMA_SIZE, 0, F(intake.memory_bytes), 1 * MIB, 64 * GIB, "128MiB",
     .doc = "Of mail on its way in. With more, further mail is asked to come later."},

    {"bounce.domain", SCHEMA_HOSTNAME, 0, F(bounce.domain),
     .doc = "Return paths are in this domain, whose MX must be this machine. \"\" = "
            "node.hostname."},
    {"bounce.prefix", SCHEMA_STRING, 0, F(bounce.prefix), .max = 16, .def = "b",
     .doc = "They look like PREFIX+TOKEN@DOMAIN."},
    {"bounce.ready_messages", SCHEMA_BOOL, 0, F(bounce.of_ready), .def = "false",
     .doc =
         "Messages that other applications hand in leave with such return paths, too: what comes "
         "back later is noted on them, and their senders get reports. Otherwise it goes to their "
         "senders directly."},
    {"bounce.unsubscribe_mailto", SCHEMA_STRING, 0, F(bounce.unsubscribe_mailto), .max = 254,
     .doc = "Address for List-Unsubscribe besides the link. \"\" = none."},

    {"mail.from_domain", SCHEMA_HOSTNAME, 0, F(mail.from_domain),
     .doc = "Completes From addresses of campaigns that have no @."},
    {"mail.feedback_id", SCHEMA_STRING, 0, F(mail.feedback_id), .max = 64,
     .doc = "Sender id in the Feedback-ID header, by which Gmail groups complaints. \"\" = no such "
            "header."},

    {"suppression.marketing", SCHEMA_STRINGS, 0, F(suppression.marketing), .max = 16,
     .def = "[hard-bounce, soft-bounces, complaint, unsubscribe, manual, imported, erased]",
     .doc = "Reasons that keep an address from campaigns and from ready messages of low priority."},
    {"suppression.transactional", SCHEMA_STRINGS, 0, F(suppression.transactional), .max = 16,
     .def = "[hard-bounce, complaint, manual, erased]",
     .doc = "The same for transactional mail: an order is confirmed to somebody who has "
            "unsubscribed, too."},
    {"suppression.soft_bounces", SCHEMA_INT, 0, F(suppression.soft_bounces), 1, 1000, "5",
     .zero = "never",
     .doc = "So many messages lost in a row to a full mailbox, a dead host and the like suppress "
            "an address; one that arrives ends the count."},
    {"suppression.soft_span", SCHEMA_DURATION, 0, F(suppression.soft_span_us), 0, 365 * DAY, "7d",
     .doc = "... when the first was at least so long before the last."},
    {"suppression.soft_expire", SCHEMA_DURATION, 0, F(suppression.soft_expire_us), 1 * MIN,
     3650 * DAY, "90d", .zero = "never", .doc = "Then it is tried again after this."},
    {"suppression.hard_expire", SCHEMA_DURATION, 0, F(suppression.hard_expire_us), 1 * MIN,
     3650 * DAY, "never", .zero = "never",
     .doc = "An address that does not exist is suppressed for this long."},

    {"campaign.frequency_cap", SCHEMA_RATE, 0, F(campaign.frequency_cap), .def = "unlimited",
     .zero = "unlimited",
     .doc =
         "At most so many bulk mails to one lead, as in 3/7d or 1/20h; more are left out of their "
         "campaign (suppressed). Up to 16, within up to 366 days, counted by full hours."},
    {"campaign.hours", SCHEMA_HOURS, 0, F(campaign.hours), .def = "always",
     .doc =
         "When bulk mail may go, retries too: always, 09:00-20:00, mon-fri 09:00-20:00, or several "
         "spans by days, as in {mon-fri: [09:00-12:00, 13:00-18:00], sat: 10:00-12:00}. One past "
         "midnight (22:00-02:00) belongs to the day it began on."},
    {"campaign.closed", SCHEMA_CLOSED, 0, F(campaign.closed),
     .doc = "Dates on which none goes, by the clock of campaign.time_zone: [2027-01-01, "
            "2026-12-29..2027-01-03]. At most 64 dates and ranges."},
    {"campaign.release_spread", SCHEMA_DURATION, 0, F(campaign.release_us), 0, DAY, "15m",
     .zero = "none",
     .doc =
         "What waited for its hours is let go over so long when they begin, or over a quarter of "
         "them; a campaign of few mails at 10 a second."},
    {"campaign.time_zone", SCHEMA_ZONE, 0, F(campaign.time_zone),
     .doc = "Of those hours and dates, such as Asia/Tokyo. \"\" = the system's."},
    {"campaign.zone_attribute", SCHEMA_STRING, 0, F(campaign.zone_attribute), .max = 64,
     .def = "time_zone",
     .doc = "Attribute of leads that names their own time zone, for campaigns with hours_by_lead."},
    {"campaign.pause_on_bounces", SCHEMA_PERCENT, 0, F(campaign.bounce_percent), 1, 100, "10%",
     .zero = "never",
     .doc = "A campaign pauses itself when more than this share of its last ends are bounces."},
    {"campaign.pause_sample", SCHEMA_INT, 0, F(campaign.bounce_sample), 10, 1000000, "500",
     .doc = "How many ends the share is taken of."},
    {"campaign.pause_on_complaints", SCHEMA_SHARE, 0, F(campaign.complaint_share), 1, 10000, "0.3%",
     .zero = "never",
     .doc = "The same for complaints that come back (intake): large providers count more than 0.3% "
            "as spam."},
    {"campaign.complaint_sample", SCHEMA_INT, 0, F(campaign.complaint_sample), 100, 100000000,
     "5000", .doc = "How many deliveries that share is taken of."},
    {"campaign.stale_after", SCHEMA_DURATION, 0, F(campaign.stale_after_us), 10 * SEC, 365 * DAY,
     "1h",
     .doc = "A schedule that was missed by more, because the daemon was down, is not started but "
            "paused for a person to decide."},

    {"reaction.hold", SCHEMA_DURATION, 0, F(reaction.hold_us), 0, 1 * HOUR, "2m",
     .doc = "An open or click takes effect (scores, segments) when it is so old, since a machine "
            "may give itself away by what it does next; at once when a visit of the site proves a "
            "person. 0 = at once."},

    {"scoring.rules", SCHEMA_PATH, 0, F(scoring.rules),
     .doc = "File of rules that give points, and of thresholds; scoring.yaml is one to begin with. "
            "Empty: leads have no points."},

    {"events.keep_unread", SCHEMA_DURATION, 0, F(events.keep_unread_us), 0, 3650 * DAY, "7d",
     .doc = "Beyond store.log_retention, what a destination has not read yet is kept this long."},
    {"events.files", SCHEMA_LIST, 0, F(events.files), .max = HY_EVENTS_FILES_MAX,
     .items = &events_file_schema,
     .doc = "Folders of JSON-lines files; each line is an event, and is there exactly once.",
     .example = "- name: all\n"
                "  dir: /var/log/hayauma/events\n"
                "  rotate_every: 1h\n"
                "  keep: 90d"},
    {"events.webhooks", SCHEMA_LIST, 0, F(events.webhooks), .max = HY_EVENTS_WEBHOOKS_MAX,
     .items = &webhook_schema,
     .doc = "Endpoints that get events by signed HTTPS requests, each event at least once.",
     .example = "- name: crm\n"
                "  url: https://hooks.example.jp/mail\n"
                "  secret_file: /etc/hayauma/crm.secret\n"
                "  types: [bounced, complaint, unsubscribe]"},

    {"log.target", SCHEMA_ENUM, 0, F(log.target), .names = log_targets, .def = "stderr",
     .doc = "stderr, json (lines of JSON on stderr), journal or none."},
    {"log.level", SCHEMA_ENUM, 0, F(log.level), .names = log_levels, .def = "info",
     .doc = "error, warning, notice, info or debug."},
    {"log.attempts", SCHEMA_STRING, 0, F(log.attempts), .max = 1024, .def = "off",
     .doc = "One line for each attempt: off, journal, stderr (JSON lines), or the absolute path of "
            "a file of JSON lines, which 'hayauma reload' and SIGHUP open anew. See docs/logs.md."},

    {"metrics.listen", SCHEMA_STRING, 0, F(metrics.listen), .max = 64, .def = "127.0.0.1:9095",
     .doc = "ADDRESS:PORT that answers /metrics, /healthz and /readyz. \"\" = off. Whoever can "
            "connect may read: keep it on loopback or behind a proxy that asks who is there."},
    {"metrics.sites", SCHEMA_INT, 0, F(metrics.sites), 0, 1000, "20",
     .doc = "Receiving sites, the busiest, with figures of their own; the rest is one more."},
    {"metrics.campaigns", SCHEMA_INT, 0, F(metrics.campaigns), 0, 1000, "20",
     .doc = "Campaigns being sent, the newest, with figures of their own."},
    {"metrics.tenants", SCHEMA_INT, 0, F(metrics.tenants), 0, 1000, "50",
     .doc = "Tenants, the first of the file, with figures of their own."},

    {"control.socket", SCHEMA_PATH, SCHEMA_RESTART, F(control.socket), .max = 100,
     .doc = "Path of the unix socket. \"\" = control.sock in paths.run_dir."},
    {"control.mode", SCHEMA_MODE, SCHEMA_RESTART, F(control.mode), 0, 0777, "0660",
     .doc = "Its permissions, in quotes."},
    {"control.group", SCHEMA_STRING, SCHEMA_RESTART, F(control.group), .max = 63,
     .doc = "Members of this group may command the daemon, besides root and its own user."},

    {"import.rejects_shown", SCHEMA_INT, 0, F(import.rejects_shown), 0, 100, "10",
     .doc = "Bad rows named in the answer; the report file has all of them."},
};

const struct schema config_schema = {rows, sizeof rows / sizeof rows[0], sizeof(struct hy_config),
                                     NULL};
