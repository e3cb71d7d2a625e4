/* What the daemon answers to commands: campaigns, sources, templates. See retell.h. */
#include "retell.h"

cli_words cli_retold_daemon[] = {
    /* what the daemon answers */
    {"there is no campaign '%s'; 'hayauma campaign list' shows all",
     "'%s' というキャンペーンはありません。'hayauma campaign list' で一覧が出ます"},
    {"there is no list '%s'; 'hayauma list show' shows all",
     "'%s' というリストはありません。'hayauma list show' で一覧が出ます"},
    {"there is no order %u: 'hayauma lane list'",
     "指示 %u はありません ('hayauma lane list' を参照)"},
    {"there is no shaping rule '%s': 'hayauma site DOMAIN' names a domain's, and 'default' are the "
     "sites without one",
     "'%s' という送信制限ルールはありません。'hayauma site ドメイン' "
     "でルールが分かります。'default' "
     "はルールのない配信先です"},
    {"there is no source '%s': 'hayauma source list'",
     "'%s' という送信元はありません ('hayauma source list' を参照)"},
    {"there is no pool or source '%s': 'hayauma source list' has the sources, delivery.pools the "
     "pools",
     "'%s' というプールや送信元はありません。送信元は 'hayauma source list'、プールは "
     "delivery.pools "
     "にあります"},
    {"'%s' is no name of a site: mx.example.jp, *.example.jp",
     "'%s' は配信先の名前ではありません (例: mx.example.jp、*.example.jp)"},
    {"'%s' is no state: fresh, deferred or held",
     "'%s' という状態はありません (fresh、deferred、held)"},
    {"'%s' is no reply code: 421, 45x or 4xx", "'%s' は応答コードではありません (421、45x、4xx)"},
    {"no lead and no ready message is at '%s'", "'%s' 宛てのリードも完成メールもありません"},
    {"no lead and no ready message has the address '%s'",
     "'%s' というアドレスのリードも完成メールもありません"},
    {"no lead and no message has the address '%s'",
     "'%s' というアドレスのリードもメールもありません"},
    {"a recipient has but one domain: leave --domain out",
     "宛先のドメインは 1 つなので --domain は不要です"},
    {"rows at more than %d domains: say more closely which",
     "対象のドメインが %d を超えます。条件を絞ってください"},
    {"a campaign that is %s cannot be %s", "%s のキャンペーンは %s にできません"},
    {"the disk is %s: free some space (see store.min_free), then try again",
     "ディスクが %s です。空きを作ってから (store.min_free を参照) やり直してください"},
    {"%u of the last %u mails bounced (pause_on_bounces): look at them with 'hayauma campaign "
     "report' before you resume",
     "直近 %u 通の不達 (全 %u 通中) により停止しました (pause_on_bounces)。再開の前に 'hayauma "
     "campaign report' で確認してください"},
    {"%u people complained about the last %u mails (pause_on_complaints): ask whom it goes to "
     "before you resume",
     "%u 人が苦情を寄せました (直近 %u 通、pause_on_complaints)。再開の前に宛先を確認してください"},
    {"it cannot be sent: %s; mend that, then resume it",
     "送信できません: %s。直してから再開してください"},
    {"its start at %s was missed by %u minutes (campaign.stale_after): resume it to send it now, "
     "or cancel it",
     "開始予定 %s を %u 分過ぎていました (campaign.stale_after)。今送るなら再開し、送らないなら"
     "中止してください"},
    {"outside of the campaign's hours where the lead is (%s)",
     "宛先の地域 (%s) では配信時間外です"},
    {"'%s' is no span of hours: write 09:00-20:00",
     "'%s' は時間帯として読めません。09:00-20:00 のように書いてください"},
    {"'%s' overlaps other hours of the same day", "'%s' は同じ日の他の時間帯と重なっています"},
    {"more than %d spans of hours", "時間帯が %d を超えています"},
    {"'%s' are no hours: write 09:00-20:00, mon-fri 09:00-12:00,13:00-18:00, or always",
     "'%s' は配信時間として読めません。09:00-20:00、mon-fri 09:00-12:00,13:00-18:00、always "
     "のように書いてください"},
    {"'%s' is no day or range of days (mon, tue, wed, thu, fri, sat, sun; mon-fri)",
     "'%s' は曜日として読めません (mon、tue、wed、thu、fri、sat、sun、mon-fri)"},
    {"'%s' is no date or range of dates: write 2027-01-01 or 2026-12-29..2027-01-03",
     "'%s' は日付として読めません。2027-01-01 や 2026-12-29..2027-01-03 のように書いてください"},
    {"more than %d closed dates and ranges of dates", "休業日 (期間を含む) が %d を超えています"},
    {"must be hours such as 09:00-12:00, or a list of them",
     "09:00-12:00 のような時間帯か、その列を書いてください"},
    {"must be a list of dates such as 2027-01-01", "2027-01-01 のような日付の列を書いてください"},
    {"names no hours at all: nothing could ever be sent",
     "時間帯が一つもありません。このままでは何も送れません"},
    {"transactional mail knows no hours: take one of the two lines out",
     "transactional の配信に配信時間はありません。どちらかの行を消してください"},
    {"the lead has had enough mail: %u within %u hours (campaign.frequency_cap)",
     "この宛先には既に %u 通送りました (%u 時間以内、campaign.frequency_cap)"},
    {"not delivered within its time", "期限までに配達できませんでした"},
    {"the daemon does not run (nobody listens on %s)",
     "デーモンが動いていません (%s で待ち受けがありません)"},
    {"no permission to use %s", "%s を使う権限がありません"},
    {"%s is there already; a key is never overwritten", "%s はすでにあります。鍵は上書きしません"},
    {"there is no template '%s', or not in this version",
     "テンプレート '%s' がないか、その版がありません"},
    {"a template needs a text or HTML", "テンプレートには本文 (テキストか HTML) が必要です"},
    {"a template's name has 1 to %d letters, digits, dots, hyphens and underscores, and begins "
     "with a letter or digit",
     "テンプレートの名前は英数字で始まる %d 文字までの英数字、ピリオド、ハイフン、下線です"},
    {"a tenant has at most %d templates, which take %d MiB with all their versions",
     "テナントのテンプレートは %d 個まで、全部の版の合計は %d MiB までです"},
    {"there is no folder for %s", "%s を置くフォルダーがありません"},
    {NULL, NULL},
};
