"""What the page of results says, in English and Japanese."""

WORDS = {
    "en": {
        "file": "benchmarks.md", "other": "[日本語](benchmarks.ja.md)",
        "title": "Benchmarks",
        "intro": "Written by `bench/run` from [results.json](benchmarks/results.json); do not edit. What is measured and how to "
                 "repeat it: [guides/benchmarks.md](guides/benchmarks.md).",
        "trust": "Sender, receivers, name server and injector share the processors of one machine. Trust the ratios, which are taken "
                 "within one round; absolute figures are those of this machine.",
        "neighbours": "While it was measured, other programs used {others:.1f} % of the processors on average, {most:.1f} % at most in one run.",
        "goals": "Goals", "goal_head": ["", "what", "goal", "measured", "lowest - highest", ""], "met": "met", "missed": "**not met**",
        "once": "once", "apart": "of different runs", "of_rounds": " ({agree} of {all} rounds)",
        "rounds_of": "{n} rounds: {names}; figures are medians, with the lowest and the highest round beside them.",
        "one_round_of": "**Measured in one round, so nothing is known of their spread: {names}.**",
        "limits_once": "What peers need to empty a queue, B5, B6 and sizes are measured once.",
        "unmeasured": "not measured", "bound": "; the floor itself keeps {times} (see below)",
        "later": "B8 (beacons and clicks) is measured by `bench/tracking` ([figures](decisions/0151-young-entries-of-the-index.md)). From an activity to its score and segments: `bench/reaction` ([figures](decisions/0163-what-keeps-a-reaction-short.md)). B11 (bounces read) is measured by `bench/corpora`, "
                 "which needs mail of others.",
        "machine": "Machine and versions", "cpu": "processor", "cores": "{n} processors, {t} thread(s) a core", "virtual": "virtual machine",
        "command": "command", "date": "date", "disk": "disk", "kernel": "kernel", "system": "system",
        "memory_of": "memory", "build": "hayauma, commit",
        "throughput": "Messages a second",
        "throughput_text": "The same personal 10 KiB messages to the same 200 domains, found through the same name server, to the same "
                           "receivers. Peers are given the messages over SMTP, and accept, keep, sign and deliver them at the same time; "
                           "hayauma renders them from leads and a template. The last column is hayauma's rate over theirs, by the round.",
        "system_head": ["", "messages/s", "lowest - highest", "CPU us/message", "lowest - highest", "memory MiB", "hayauma's rate over it",
                        "lowest - highest"],
        "sent": "What left in B1, as the receivers saw it. Of every system all of the first hundred messages were signed, and python3-dkim verified "
                "signatures of them, in each round.",
        "sent_head": ["", "bytes/message", "signature", "header fields signed"],
        "signed": "RSA-2048 DKIM", "plain": "unsigned", "floor_row": "floor: {what}",
        "drain": "Emptying a queue that was accepted before, unsigned", "drain_head": ["", "messages/s", "CPU us/message"],
        "stages": "CPU a message by stage",
        "stages_text": "By hayauma's threads, B1 to B2. The press threads' share is divided by what they need when nothing is signed "
                       "(render), SHA-256 of a message as measured with the floor (hash) and the rest (sign). The floor is the signature "
                       "primitive and the barest SMTP sender.",
        "stage_head": ["us a message", "render", "hash", "sign", "sockets, user", "sockets, kernel", "store", "feeder", "other", "all", "floor",
                       "over the floor"],
        "floor_text": "The signature primitive costs {one:.0f} us with one thread and {all:.0f} us with {n} at once (RSA-2048), {ed:.0f} us "
                      "(Ed25519).",
        "variants": "Latency, TLS, large messages",
        "variant_head": ["", "messages/s", "lowest - highest", "CPU us/message", "lowest - highest", "floor us", "over the floor", "lowest - highest", "connections at most", "made", "TLS handshakes, of them resumed"],
        "ways_text": "How far B3 can come: sender and receivers share all processors, so what bounds the rate is what both use for a message. Where "
                     "each of four replies comes alone, 50 ms after the one before, each is a packet, a read and a write of its own: the bare sender "
                     "(`bench/blaster`) and its receivers (`bench/sink`) pay that, too. *Keeps* is the part of its rate in B1 that a sender "
                     "keeps which does nothing but sign and write.",
        "ways_head": ["CPU us a message", "signature", "bare sender", "its receivers", "keeps", "hayauma", "its receivers", "keeps"],
        "relay": "As a relay",
        "relay_text": "B7: ready messages come in over SMTP, are durable before the 250, and are signed and delivered at the same time. All "
                      "are given the same messages in the same way, over 20 connections; the injector shares the processors, and is counted apart.",
        "relay_head": ["", "messages/s", "lowest - highest", "CPU us/message", "lowest - highest", "memory MiB", "hayauma's rate over it",
                       "lowest - highest", "injector, us/message"],
        "reuse": "What is used again",
        "reuse_text": "By the counters of the daemon (`hayauma status --json`). An envelope that left with the content before it cost no write "
                      "and no round trip of its own.",
        "reuse_head": ["", "messages a connection", "envelopes with the content before", "TLS handshakes, of them resumed",
                       "answers of DNS wanted", "of them from the cache", "questions sent"],
        "cost": "Cost and memory by the size of a campaign",
        "cost_text": "Unsigned, so that the signature hides nothing. A store with campaigns of each size, in which a twentieth of the "
                     "recipients' number are domains (500,000 for 10,000,000); 40,000 messages of each are measured once their rows "
                     "are made, all of them where it has not more; of the smallest, ten campaigns one after the other.",
        "cost_head": ["recipients", "CPU us/message", "messages/s", "memory at most, MiB", "rows made within, s"],
        "memory": "Memory by length of the queue",
        "firsts": "When each of very many domains has its turn",
        "firsts_text": "One recipient in each of up to 500,000 domains, 1 % of them with a server of their own, unsigned: how many of those that "
                       "answer had their first attempt by when. Once by themselves; once behind a giant with a tenth of all mail, 5 % of domains "
                       "at four sites that take a second for each reply, and 2 % whose servers are silent or refuse, all of which come first in "
                       "the list. The figures are below.",
        "priority": "Mail that somebody waits for",
        "priority_text": "Applications hand 25 messages a second in over SMTP, while a campaign to a million is being sent through the same lanes: from "
                         "handing a message in until its receiver has read the final dot. Once with nothing else to send; once behind a campaign "
                         "to the 200 domains, which keeps all processors signing; once behind a campaign to one provider, which takes 20 connections and a "
                         "tenth of a second for each message, so 200 a second. The figures are below.",
        "limits": "Limits", "limit_head": ["", "measured", "goal"],
        "names": {"B1": "B1: 10 KiB, RSA-2048", "B2": "B2: unsigned", "B2-ed25519": "B2: Ed25519", "B3": "B3: B1, 50 ms for each reply, one after the other", "B3-far": "B3: B1, 50 ms away",
                  "B4": "B4: B1 over STARTTLS", "B7": "B7: relay, RSA-2048", "B10": "B10: 100 KiB, RSA-2048", "B5": "B5: connections to slow servers", "B5-tls": "B5 with STARTTLS", "B6-import": "B6: importing the leads", "B6-leads": "B6: finding one of very many leads", "B9": "B9: segments of very many leads",
                  "B6": "B6: queued rows, restarts; servers that take a second for each message", "B6-domains": "B6: domains, half of them with a server of their own, signed", "B6-fair": "B6: when each domain had its first attempt",
                  "B7-api": "B7: messages taken by the HTTP API, each durable before its answer",
                  "priority": "priority: applications' mail beside a campaign to a million",
                  "sizes": "sizes: campaigns of 1,000 to 10,000,000 recipients"},
        "what": {
            "cpu_floor": "CPU a message over the floor", "rate_postfix_dkim": "rate over Postfix + OpenDKIM", "cpu": "CPU a message, unsigned",
            "rate_postfix": "rate over Postfix, unsigned", "cpu_ed25519": "CPU a message, Ed25519", "rate_b1": "rate over that of B1, 50 ms for each reply, one after the other",
            "rate_b1_far": "rate over that of B1, 50 ms away",
            "cpu_over_b1": "CPU a message more than B1", "memory": "memory at most", "memory_tls": "memory at most, STARTTLS", "rows_per_s": "rows made a second, while servers take a second for each message",
            "restart": "restart to the first delivery", "memory_domains": "memory at most, many domains",
            "flat": "cost of a message, dearest over cheapest size, 10^3 to 10^7", "relay_postfix": "rate over Postfix + OpenDKIM",
            "soon": "applications' mail beside a campaign to a million, 99 of 100 there within",
            "api": "messages taken a second by the API, durable", "scratch": "who is in a segment of ten million leads, from scratch",
            "segments_100": "an activity that 100 segments look at", "per_hour": "messages an hour"},
        "readme_head": ["", "messages/s", "CPU us/message", "memory MiB"],
        "small": "**A small run (--quick): its figures are not the ones to quote.**",
    },
    "ja": {
        "file": "benchmarks.ja.md", "other": "[English](benchmarks.md)",
        "title": "ベンチマーク",
        "intro": "`bench/run` が [results.json](benchmarks/results.json) から書き出したものです。手で編集しないでください。何をどう測るか、"
                 "どう再現するかは [guides/benchmarks.ja.md](guides/benchmarks.ja.md) にあります。",
        "trust": "送信側、受信側、ネームサーバー、投入側が 1 台のマシンのプロセッサーを分け合います。同じ周の中で取った比を見てください。"
                 "絶対値はこのマシンのものです。",
        "neighbours": "測定中、ほかのプログラムが使ったプロセッサーは平均 {others:.1f} %、1 回の測定で最大 {most:.1f} % でした。",
        "goals": "目標", "goal_head": ["", "内容", "目標", "実測", "最低〜最高", ""], "met": "達成", "missed": "**未達**",
        "once": "1 回", "apart": "別の実行どうし", "of_rounds": "（{all} 周のうち {agree} 周）",
        "rounds_of": "{n} 周: {names}。数字は中央値で、最低の周と最高の周を並べています。",
        "one_round_of": "**1 周だけの測定で、ばらつきは分かりません: {names}。**",
        "limits_once": "相手が待ち行列を空にする速さ、B5、B6、sizes は 1 回の測定です。",
        "unmeasured": "未測定", "bound": "。下限自身で {times}（後述）",
        "later": "B8（ビーコンとクリック）は `bench/tracking` で測ります（[結果](decisions/0151-young-entries-of-the-index.md)）。行動からスコアとセグメントへの反映は `bench/reaction` で測ります（[結果](decisions/0163-what-keeps-a-reaction-short.md)）。B11（バウンスの読み取り）は `bench/corpora` で測ります（他者のメールが要ります）。",
        "machine": "マシンと版", "cpu": "プロセッサー", "cores": "{n} プロセッサー、コアあたり {t} スレッド", "virtual": "仮想マシン",
        "command": "コマンド", "date": "日付", "disk": "ディスク", "kernel": "カーネル", "system": "システム",
        "memory_of": "メモリ", "build": "hayauma のコミット",
        "throughput": "毎秒の通数",
        "throughput_text": "同じ 10 KiB の個人宛てメールを、同じネームサーバーで引いた同じ 200 ドメインの同じ受信サーバーへ送ります。ほかの"
                           "ソフトウェアには SMTP で渡し、受け取り、保存、署名、配送を同時に行わせます。hayauma はリードとテンプレートから"
                           "作ります。比は同じ周の hayauma の速さをその速さで割ったものです。",
        "system_head": ["", "通/秒", "最低〜最高", "1 通の CPU (us)", "最低〜最高", "メモリ (MiB)", "hayauma はその何倍", "最低〜最高"],
        "sent": "B1 で送り出されたもの（受信側で見たもの）。周ごとに、どのソフトウェアも最初の 100 通すべてに署名があり、その中の署名を python3-dkim が検証しました。",
        "sent_head": ["", "1 通のバイト数", "署名", "署名したヘッダー"],
        "signed": "RSA-2048 DKIM", "plain": "署名なし", "floor_row": "下限: {what}",
        "drain": "受け付け済みの待ち行列を空にする（署名なし）", "drain_head": ["", "通/秒", "1 通の CPU (us)"],
        "stages": "1 通の CPU の内訳",
        "stages_text": "hayauma のスレッドごと（B1、B2）。press スレッドの分は、署名しないときに必要な分（描画）、下限と一緒に測った 1 通の "
                       "SHA-256（ハッシュ）、残り（署名）に分けています。下限は、署名関数そのものと、最小限の "
                       "SMTP 送信です。",
        "stage_head": ["us/通", "描画", "ハッシュ", "署名", "ソケット (ユーザー)", "ソケット (カーネル)", "保存", "feeder", "その他", "計", "下限",
                       "下限の何倍"],
        "floor_text": "署名関数そのものは、1 スレッドで {one:.0f} us、{n} スレッド同時で {all:.0f} us（RSA-2048）、{ed:.0f} us（Ed25519）です。",
        "variants": "遅延、TLS、大きなメール",
        "variant_head": ["", "通/秒", "最低〜最高", "1 通の CPU (us)", "最低〜最高", "下限 (us)", "下限の何倍", "最低〜最高", "最大接続数", "接続回数", "TLS ハンドシェイク、うち再開"],
        "ways_text": "B3 はどこまで届くか。送信側と受信側が全プロセッサーを分け合うので、速さを決めるのは両者が 1 通に使う CPU です。4 つの応答が 50 ms ずつ"
                     "遅れて一つずつ届くと、それぞれがパケット、読み取り、書き込みになります。最小限の送信側（`bench/blaster`）とその受信側（`bench/sink`）も同じです。"
                     "「保つ割合」は、署名して書くだけの送信側が B1 の速さのうち保てる割合です。",
        "ways_head": ["1 通の CPU (us)", "署名", "最小限の送信側", "その受信側", "保つ割合", "hayauma", "その受信側", "保つ割合"],
        "relay": "リレーとして",
        "relay_text": "B7: できあがったメールを SMTP で受け取り、250 の前に永続化し、署名と配送を同時に行います。どれにも同じメールを同じ方法で 20 接続から"
                      "渡します。投入側は同じプロセッサーを使いますが、CPU は別に数えます。",
        "relay_head": ["", "通/秒", "最低〜最高", "1 通の CPU (us)", "最低〜最高", "メモリ (MiB)", "hayauma はその何倍", "最低〜最高", "投入側 (us/通)"],
        "reuse": "使い回したもの",
        "reuse_text": "デーモン自身のカウンター（`hayauma status --json`）によります。前の本文と一緒に出たエンベロープは、書き込みも往復も要りません。",
        "reuse_head": ["", "1 接続の通数", "前の本文と一緒に出たエンベロープ", "TLS ハンドシェイク、うち再開",
                       "必要だった DNS の答え", "うちキャッシュから", "送った問い合わせ"],
        "cost": "配信の規模と 1 通のコスト、メモリ",
        "cost_text": "署名に隠れないよう、署名なしです。規模ごとの配信を収めたストアで、ドメイン数は宛先数の 20 分の 1 です（1,000 万件なら "
                     "50 万ドメイン）。行を作り終えてから 4 万通（それより少なければ全部、最小のものは続けて 10 回）を測ります。",
        "cost_head": ["宛先数", "1 通の CPU (us)", "通/秒", "最大メモリ (MiB)", "行を作る時間 (秒)"],
        "memory": "待ち行列の長さとメモリ",
        "firsts": "非常に多くのドメインに順番が回るまで",
        "firsts_text": "最大 50 万ドメインに 1 件ずつ（1 % は専用サーバー）、署名なし。応答するドメインのうち、最初の試行を終えた割合です。灰色はそれらだけの配信、"
                       "赤は、全体の 1 割を占める巨大ドメイン、応答ごとに 1 秒かかる 4 サイトの 5 % のドメイン、応答しないか拒む 2 % のドメインがリストの先頭にある"
                       "配信です。数字は下の表にあります。",
        "priority": "待たれているメール",
        "priority_text": "100 万件の配信が同じレーンを流れている間に、アプリケーションが SMTP で毎秒 25 通を渡します。渡し始めてから受信側が最後のドットを読むまでの時間です。"
                         "ほかに送るものがないとき、200 ドメインへの配信が全プロセッサーで署名しているとき、20 接続まで、1 通に 0.1 秒（毎秒 200 通）しか受けないプロバイダーへの"
                         "配信中の 3 通りです。数字は下の表にあります。",
        "limits": "限界", "limit_head": ["", "実測", "目標"],
        "names": {"B1": "B1: 10 KiB、RSA-2048", "B2": "B2: 署名なし", "B2-ed25519": "B2: Ed25519", "B3": "B3: B1、応答ごとに順に 50 ms", "B3-far": "B3: B1、往復 50 ms の距離",
                  "B4": "B4: B1 を STARTTLS で", "B7": "B7: リレー、RSA-2048", "B10": "B10: 100 KiB、RSA-2048", "B5": "B5: 遅いサーバーへの接続", "B5-tls": "B5 を STARTTLS で", "B6-import": "B6: リードの取り込み", "B6-leads": "B6: 多数のリードから一人を見つける", "B9": "B9: 多数のリードのセグメント",
                  "B6": "B6: 待ち行列と再起動（1 通に 1 秒かかるサーバー）", "B6-domains": "B6: ドメイン（半数は専用サーバー、署名あり）", "B6-fair": "B6: 各ドメインへの最初の試行まで",
                  "B7-api": "B7: HTTP API が受け取るメール（応答の前に永続化）",
                  "priority": "priority: 100 万件の配信の脇を通るアプリケーションのメール",
                  "sizes": "sizes: 1,000 件から 10,000,000 件の配信"},
        "what": {
            "cpu_floor": "1 通の CPU、下限の何倍か", "rate_postfix_dkim": "速さ、Postfix + OpenDKIM の何倍か", "cpu": "1 通の CPU、署名なし",
            "rate_postfix": "速さ、Postfix（署名なし）の何倍か", "cpu_ed25519": "1 通の CPU、Ed25519", "rate_b1": "速さ、B1 の何倍か（応答ごとに順に 50 ms）",
            "rate_b1_far": "速さ、B1 の何倍か（往復 50 ms の距離）",
            "cpu_over_b1": "1 通の CPU、B1 より増える分", "memory": "最大メモリ", "memory_tls": "最大メモリ（STARTTLS）", "rows_per_s": "毎秒作る行数（サーバーが 1 通に 1 秒かける間）",
            "restart": "再起動から最初の配送まで", "memory_domains": "最大メモリ（多数のドメイン）",
            "flat": "1 通のコスト、10^3〜10^7 件で最も高い規模と最も安い規模の比", "relay_postfix": "速さ、Postfix + OpenDKIM の何倍か",
            "soon": "100 万件の配信の脇を通るアプリケーションのメール、99 % が届くまで",
            "api": "API が 1 秒に受け取る通数（永続化済み）", "scratch": "1,000 万リードからセグメントを求める", "segments_100": "100 のセグメントが見る 1 アクティビティ", "per_hour": "1 時間の通数"},
        "readme_head": ["", "通/秒", "1 通の CPU (us)", "メモリ (MiB)"],
        "small": "**小さな実行（--quick）です。引用する数字ではありません。**",
    },
}
