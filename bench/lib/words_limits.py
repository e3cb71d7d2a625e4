"""The names of the figures of bench/limits in Japanese. English ones are as it prints them; numbers stay."""
import re

N = r"([\d,]+)"
NAMES = [
    (r"open files allowed: the daemon raises 1024 to", "開けるファイル数: デーモンが 1024 から引き上げる"),
    (rf"{N} connections to {N} sites, opened within", r"\2 サイトへの \1 接続、開き終わるまで"),
    (r"open after a round of answers", "応答が一巡したあとの接続数"),
    (rf"messages in that time, each on the wire for {N} s", r"その間の通数（1 通あたり回線上に \1 秒）"),
    (r"CPU of the daemon", "デーモンの CPU"),
    (r"memory at most(, one process)?", "最大メモリ"),
    (r"memory a connection", "1 接続のメモリ"),
    (rf"import of {N} leads in {N} domains", r"\2 ドメイン、\1 リードの取り込み"),
    (rf"import of two leads in each of {N} domains", r"\1 ドメインに 2 件ずつのリードの取り込み"),
    (r"rows a second", "毎秒の行数"),
    (r"store", "ストア"),
    (rf"campaign start until all {N} rows are made", r"配信開始から \1 行を作り終えるまで"),
    (r"campaign start until the first delivery", "配信開始から最初の配送まで"),
    (r"CPU of the writer", "writer の CPU"),
    (r"page faults of the writer", "writer のページフォルト"),
    (r"status meanwhile, at most", "その間の status の応答、最大"),
    (r"(kill -9|SIGTERM) until it has ended", r"\1 から終了まで"),
    (r"restart until the next delivery", "再起動から次の配送まで"),
    (r"until every row is cancelled", "全行が取り消されるまで"),
    (r"(hayauma (?:queue|backup|audit)|campaign (?:pause|resume|cancel))", r"\1"),
    (rf"delivered within {N} s", r"\1 秒以内の配送数"),
    (r"messages a second", "毎秒の通数"),
    (r"processors idle meanwhile", "その間の空きプロセッサー"),
    (r"(worker|press|writer|feeder)", r"\1"),
    (r"lookups", "DNS の検索"),
    (r"lookups a second", "毎秒の DNS の検索"),
    (r"domains open at most", "同時に開いたドメイン、最大"),
    (r"sites known at most", "把握したサイト、最大"),
    (r"connections at most", "接続数、最大"),
    (r"connections made", "接続回数"),
    (rf"by themselves: half of {N} domains had their first attempt within", r"単独: \1 ドメインの半数に最初の試行が済むまで"),
    (rf"behind a giant of {N}, {N} slow, {N} silent or dead ones: half of {N} domains had their first attempt within",
     r"\1 件の巨大ドメイン、遅い \2、応答しない \3 ドメインの後ろ: \4 ドメインの半数に最初の試行が済むまで"),
    (rf"receivers are silent: {N} requests over {N} connections, messages taken a second", r"受信側は無言: \2 接続で \1 リクエスト、毎秒の受け取り"),
    (rf"signed and delivered meanwhile: {N} requests over {N} connections, messages taken a second",
     r"署名と配送も同時: \2 接続で \1 リクエスト、毎秒の受け取り"),
    (r"messages delivered a second, from the first request to the last message", "最初のリクエストから最後の配送まで、毎秒の配送"),
    (r"CPU of the injector", "投入側の CPU"),
    (r"(web)", r"\1"),
    (rf"nothing else to send: half of {N} messages were there within", r"ほかに送るものがないとき: \1 通の半数が届くまで"),
    (rf"while a campaign to {N} is sent: half of {N} messages were there within", r"\1 件の配信中: \2 通の半数が届くまで"),
    (rf"while a campaign to {N} is sent to one provider that takes {N} connections: half of {N} messages were there within",
     r"\2 接続まで受けるプロバイダーへの \1 件の配信中: \3 通の半数が届くまで"),
    (r"messages of the campaign meanwhile, a second", "その間の配信の毎秒の通数"),
    (r"leads in the store, with their lists and attributes", "リストと属性を持つリードの数"),
    (r"an id of another system for each: ids a second", "全員に他システムの ID を付ける: 毎秒の件数"),
    (r"finding and reading one by its number: 99 of 100 within", "番号で一人を見つけて読む: 99 % まで"),
    (r"finding and reading one by its address: 99 of 100 within", "アドレスで一人を見つけて読む: 99 % まで"),
    (r"finding and reading one by its id of another system: 99 of 100 within", "他システムの ID で一人を見つけて読む: 99 % まで"),
    (r"GET /v1/leads/... by its number: 99 of 100 within", "GET /v1/leads/... を番号で: 99 % まで"),
    (r"GET /v1/leads/... by its address: 99 of 100 within", "GET /v1/leads/... をアドレスで: 99 % まで"),
    (r"GET /v1/leads/... by its id of another system: 99 of 100 within", "GET /v1/leads/... を他システムの ID で: 99 % まで"),
    (r"leads with two attributes and a click each", "属性 2 つとクリック 1 回を持つリードの数"),
    (r"made one by one, a second", "1 件ずつ作る: 毎秒の件数"),
    (r"who is in a segment from scratch, one thread: two attributes", "セグメントを最初から求める (1 スレッド): 属性 2 つ"),
    (r"who is in a segment from scratch, one thread: clicks of a link within 30 days", "同: 30 日以内のリンクのクリック"),
    (r"who is in a segment from scratch, one thread: an attribute and clicks, twice", "同: 属性とクリックの条件 2 つ"),
    (r"leads a second", "毎秒のリード数"),
    (rf"an activity of a lead at random with {N} segments that look at it", r"\1 のセグメントが見る、任意のリードの 1 アクティビティ"),
    (r"without segments", "セグメントなし"),
    (r"half", "半数まで"),
    (r"memory of the daemon at most", "デーモンの最大メモリ"),
    (r"99 of 100", "99 % まで"),
    (r"all", "すべてまで"),
    (r"99 of 100, over that by themselves", "99 % まで、単独の何倍か"),
    (r"all messages delivered by then", "それまでに配送した割合（全通数）"),
    (r"slow ones that had their first attempt by then", "それまでに最初の試行が済んだ遅いドメイン"),
]


def limit_name(name, lang):
    """The name as the page says it; a name that is not known stays as it is, and a test finds it."""
    if lang == "ja":
        for pattern, words in NAMES:
            found = re.fullmatch(pattern, name)
            if found:
                return found.expand(words)
    return name
