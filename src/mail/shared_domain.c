/* Domains whose addresses belong to anybody: free mail, access providers, carriers. An address
 * there says nothing about whom its owner works for. From what the providers tell of their own mail
 * services; of the families with many endings (yahoo, hotmail, live) by the first label. */
#include "hayauma/mail/address.h"

/* Whatever ending follows. */
static const char *const labels[] = {
    "gmail", "googlemail", "yahoo", "ymail",  "rocketmail", "hotmail",   "outlook", "live",
    "msn",   "aol",        "gmx",   "yandex", "protonmail", "zoho-mail", "icloud",
};

static const char *const domains[] = {
    /* free mail */
    "proton.me",
    "pm.me",
    "me.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "bk.ru",
    "list.ru",
    "inbox.ru",
    "rambler.ru",
    "web.de",
    "freenet.de",
    "t-online.de",
    "tutanota.com",
    "tuta.com",
    "fastmail.com",
    "fastmail.fm",
    "hushmail.com",
    "zohomail.com",
    "naver.com",
    "hanmail.net",
    "daum.net",
    "nate.com",
    "qq.com",
    "foxmail.com",
    "163.com",
    "126.com",
    "yeah.net",
    "sina.com",
    "sina.cn",
    "sohu.com",
    "139.com",
    "189.cn",
    "aliyun.com",
    "rediffmail.com",
    "libero.it",
    "virgilio.it",
    "laposte.net",
    "orange.fr",
    "wanadoo.fr",
    "free.fr",
    "sfr.fr",
    "uol.com.br",
    "bol.com.br",
    "terra.com.br",
    "seznam.cz",
    "wp.pl",
    "o2.pl",
    "onet.pl",
    "interia.pl",
    "ukr.net",
    "hey.com",
    "duck.com",
    "yahoo.ne.jp",
    "ybb.ne.jp",
    /* free mail in Japan */
    "goo.jp",
    "mail.goo.ne.jp",
    "excite.co.jp",
    "infoseek.jp",
    "livedoor.com",
    "mail.bbexcite.jp",
    "nifty.com",
    "nifty.ne.jp",
    "inter7.jp",
    "auone.jp",
    "rakuten.jp",
    "rakumail.jp",
    "rakuten-mobile.jp",
    "k.vodafone.ne.jp",
    /* access providers in Japan */
    "biglobe.ne.jp",
    "biglobe.jp",
    "so-net.ne.jp",
    "so-net.jp",
    "ocn.ne.jp",
    "ocn.jp",
    "dion.ne.jp",
    "plala.or.jp",
    "plala.to",
    "asahi-net.or.jp",
    "dti.ne.jp",
    "dream.jp",
    "odn.ne.jp",
    "odn.ad.jp",
    "hi-ho.ne.jp",
    "wakwak.com",
    "bbiq.jp",
    "eonet.ne.jp",
    "zaq.ne.jp",
    "jcom.home.ne.jp",
    "home.ne.jp",
    "jcom.zaq.ne.jp",
    "commufa.jp",
    "ctc.jp",
    "tnc.ne.jp",
    "sannet.ne.jp",
    "interlink.or.jp",
    "infoweb.ne.jp",
    "highway.ne.jp",
    "justnet.ne.jp",
    "alpha-net.ne.jp",
    "mbn.or.jp",
    "coara.or.jp",
    "iij4u.or.jp",
    "iijmio-mail.jp",
    "itscom.net",
    "itscom.jp",
    "t-com.ne.jp",
    "tcn-catv.ne.jp",
    "catv.ne.jp",
    "megaegg.ne.jp",
    "mis.ne.jp",
    "qtnet.ne.jp",
    "pikara.ne.jp",
    "ezweb.ne.jp",
    "uqmobile.jp",
    "nuro.jp",
    "gmobb.jp",
    "au-hikari.ne.jp",
    /* elsewhere */
    "comcast.net",
    "verizon.net",
    "att.net",
    "sbcglobal.net",
    "bellsouth.net",
    "charter.net",
    "cox.net",
    "earthlink.net",
    "juno.com",
    "btinternet.com",
    "virginmedia.com",
    "sky.com",
    "talktalk.net",
    "ntlworld.com",
    "bigpond.com",
    "optusnet.com.au",
    "rogers.com",
    "shaw.ca",
    "sympatico.ca",
    "telus.net",
    "bluewin.ch",
    "ziggo.nl",
    "kpnmail.nl",
    "planet.nl",
    "telenet.be",
    "skynet.be",
    "tiscali.it",
    "alice.it",
    "tin.it",
    "hinet.net",
    "seed.net.tw",
    "pchome.com.tw",
};

static bool is_within(struct hy_str domain, struct hy_str of)
{
    return hy_str_ends(domain, of) && (domain.n == of.n || domain.p[domain.n - of.n - 1] == '.');
}

/* "gmail.com", "yahoo.co.jp": the label and one ending of one or two labels, whoever it is. */
static bool is_family(struct hy_str domain, struct hy_str label)
{
    struct hy_str rest = hy_str_slice(domain, label.n, domain.n);
    size_t dots = 0;
    for (size_t i = 0; i < rest.n; i++)
        dots += rest.p[i] == '.';
    return hy_str_starts(domain, label) && rest.n > 1 && rest.p[0] == '.' && dots <= 2;
}

bool hy_address_is_shared(struct hy_str domain)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (is_family(domain, hy_str_of(labels[i])))
            return true;
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (is_within(domain, hy_str_of(domains[i])) || is_within(hy_str_of(domains[i]), domain))
            return true;
    return hy_address_is_carrier(domain) || hy_address_is_disposable(domain);
}
