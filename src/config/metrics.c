/* The table of metrics, and docs/metrics.md made from it. */
#include "hayauma/config/metrics.h"

#define ROW(id, t, name, labels, help, ja) [id] = {name, t, labels, help, ja}

const struct hy_metric_row hy_metrics[HY_METRICS] = {
    ROW(HY_M_BUILD_INFO, HY_GAUGE, "hayauma_build_info", "version",
        "Always 1; the version is in the label.", "常に 1。版はラベルにあります。"),
    ROW(HY_M_START_TIME, HY_GAUGE, "hayauma_start_time_seconds", "",
        "When the daemon started, seconds since 1970.", "デーモンの起動時刻(1970 年からの秒)。"),
    ROW(HY_M_READY, HY_GAUGE, "hayauma_ready", "",
        "1 when /readyz says yes: started, not ending, the store takes outcomes.",
        "/readyz が肯定するとき 1(起動済み、終了中でない、結果を保存できる)。"),
    ROW(HY_M_CPU, HY_COUNTER, "hayauma_cpu_seconds_total", "",
        "Processor time of the daemon, user and system.", "デーモンの CPU 時間(user と system)。"),
    ROW(HY_M_RESIDENT, HY_GAUGE, "hayauma_resident_memory_bytes", "",
        "Resident memory; pages of the database that the system caches are in it.",
        "常駐メモリ。OS がキャッシュするデータベースのページも含みます。"),
    ROW(HY_M_ANONYMOUS, HY_GAUGE, "hayauma_anonymous_memory_bytes", "",
        "Memory that is the daemon's own: what its limits are about.",
        "デーモン自身のメモリ。各種上限の対象です。"),
    ROW(HY_M_OPEN_FDS, HY_GAUGE, "hayauma_open_fds", "", "Open descriptors.",
        "開いているファイル記述子。"),
    ROW(HY_M_MAX_FDS, HY_GAUGE, "hayauma_max_fds", "", "How many the system allows.",
        "OS が許すファイル記述子の数。"),
    ROW(HY_M_RELOADS, HY_COUNTER, "hayauma_config_reloads_total", "result",
        "Reloads of the configuration: ok, or failed and nothing changed.",
        "設定の再読み込み回数。ok、または failed(何も変わらない)。"),
    ROW(HY_M_LAST_RELOAD, HY_GAUGE, "hayauma_config_loaded_seconds", "",
        "When the configuration in use was read, seconds since 1970.",
        "使用中の設定を読んだ時刻(1970 年からの秒)。"),

    ROW(HY_M_QUEUE, HY_GAUGE, "hayauma_queue_recipients", "state",
        "Recipients whose fate is open: fresh (never tried), deferred (due again), held (a person "
        "decides). Of campaigns that are not over.",
        "未完の宛先数。fresh(未試行)、deferred(再送待ち)、held(人の判断待ち)。"),
    ROW(HY_M_QUEUE_OPEN, HY_GAUGE, "hayauma_queue_open_recipients", "",
        "Of the fresh ones, those of campaigns that are being sent and wait for nothing: not "
        "paused, within their hours.",
        "fresh のうち、送信中で待ちのない(一時停止でなく、配信時間内の)配信の宛先数。"),
    ROW(HY_M_CAMPAIGNS, HY_GAUGE, "hayauma_campaigns", "state", "Campaigns by state.",
        "状態ごとのキャンペーン数。"),
    ROW(HY_M_CAMPAIGNS_WAITING, HY_GAUGE, "hayauma_campaigns_waiting", "for",
        "Running or queueing campaigns that wait as a whole, by what for: hours (outside of "
        "theirs), trouble (cannot be begun now), restart (out of memory).",
        "送信中だが全体が待っている配信数。for は hours(配信時間外)、trouble(開始できない)、"
        "restart(メモリ不足)。"),
    ROW(HY_M_CAMPAIGN_RECIPIENTS, HY_GAUGE, "hayauma_campaign_recipients", "campaign,state",
        "Recipients by state of the newest campaigns being sent (metrics.campaigns).",
        "送信中の新しいキャンペーン(metrics.campaigns 件)の状態ごとの宛先数。"),
    ROW(HY_M_CAMPAIGNS_PAUSED, HY_GAUGE, "hayauma_campaigns_paused", "by",
        "Paused campaigns by who paused them: person, or a brake: bounces, complaints, unsendable "
        "(what it needs is gone), stale (its start was missed), other (by an older version).",
        "一時停止中のキャンペーン数。by は person(人)、または自動停止の理由 bounces、complaints、"
        "unsendable(送信に必要なものがない)、stale(開始時刻を逃した)、other(旧版による)。"),
    ROW(HY_M_MESSAGE_RECIPIENTS, HY_GAUGE, "hayauma_message_recipients", "priority,state",
        "Recipients of messages that were handed in, whose fate is open, by priority "
        "(transactional, bulk) and state as above.",
        "受け付けたメールの未完の宛先数。priority は transactional、bulk。"),
    ROW(HY_M_MESSAGE_OLDEST, HY_GAUGE, "hayauma_message_oldest_seconds", "priority",
        "How long the oldest of them that is due and was never tried has waited; 0 = none waits.",
        "そのうち送信時刻を過ぎて未試行の最も古いものの待ち時間。0 はなし。"),
    ROW(HY_M_TENANT_RECIPIENTS, HY_GAUGE, "hayauma_tenant_recipients", "tenant,state",
        "Recipients by state of the first tenants of the configuration (metrics.tenants), of "
        "messages and campaigns.",
        "設定の先頭から metrics.tenants 件のテナントの、状態ごとの宛先数(メールとキャンペーン)。"),
    ROW(HY_M_TENANT_MESSAGES, HY_COUNTER, "hayauma_tenant_messages_total", "tenant",
        "Messages that their applications have handed in, ever.",
        "テナントのアプリケーションから受け付けた通数(通算)。"),
    ROW(HY_M_TENANT_USED, HY_GAUGE, "hayauma_tenant_quota_used", "tenant,quota",
        "Recipients that count towards their quotas: hour, day, queued.",
        "クォータに数える宛先数。hour、day、queued(送信待ち)。"),
    ROW(HY_M_RECIPIENTS, HY_COUNTER, "hayauma_recipients_total", "state",
        "What became of recipients since the start, one count for each verdict.",
        "起動以来の宛先の結果(判定ごとの件数)。"),
    ROW(HY_M_SUPPRESSIONS, HY_GAUGE, "hayauma_suppressions", "reason",
        "Entries of the suppression list, those that have ended within the last hour included.",
        "送信停止リストの登録数(期限切れ後一時間以内のものを含む)。"),
    ROW(HY_M_ATTEMPTS, HY_COUNTER, "hayauma_attempts_total", "provider,outcome,reply",
        "Attempts by provider (name of the shaping rule; default = sites without one, none = no "
        "way by DNS, other = more than 45 names), outcome and what ended them: 2xx, 4xx, 421, "
        "5xx, or connect, tls, lost, dns, local when it was no reply.",
        "試行数。provider は送信制限ルールの名前(default=ルールなし、none=DNS で到達不能、other=46 "
        "個目以降)"
        "、reply は 2xx、4xx、421、5xx、応答以外は connect、tls、lost、dns、local。"),
    ROW(HY_M_RETURNED, HY_COUNTER, "hayauma_returned_total", "",
        "Messages that a closing connection gave back untouched; they go on another.",
        "接続が閉じて未着手で戻った通数(別の接続で送ります)。"),
    ROW(HY_M_IN_DOUBT, HY_COUNTER, "hayauma_in_doubt_total", "",
        "Attempts that ended between the final dot and its reply: they may have been delivered.",
        "終端のドットと応答の間で終わった試行。届いた可能性があります。"),
    ROW(HY_M_BOOT_DOUBT, HY_GAUGE, "hayauma_recovered_messages", "result",
        "What the last start found on the wire of a run that did not end in order.",
        "正常終了しなかった前回の実行について、起動時に見つかった送信中の通数。"),
    ROW(HY_M_SENT_BYTES, HY_COUNTER, "hayauma_sent_bytes_total", "",
        "Bytes of messages sent, before TLS.", "送信したメッセージのバイト数(TLS 前)。"),
    ROW(HY_M_PHASE_SECONDS, HY_HISTOGRAM, "hayauma_phase_seconds", "phase",
        "Time of: connect (TCP), banner (connected to first bytes), tls (handshake), ready "
        "(opening to ready for mail), reply (final dot to its reply), message (handed to a "
        "connection to outcome).",
        "所要時間: connect(TCP)、banner(接続から最初の応答)、tls(ハンドシェイク)、"
        "ready(開始から送信可能まで)、reply(終端のドットから応答)、message("
        "接続に渡してから結果まで)。"),
    ROW(HY_M_PROVIDER_SECONDS, HY_SUMMARY, "hayauma_provider_message_seconds", "provider",
        "The phase message by provider: sum and count.", "provider ごとの message の合計と回数。"),
    ROW(HY_M_QUEUED_SECONDS, HY_HISTOGRAM, "hayauma_delivery_delay_seconds", "",
        "From the start of a campaign until a recipient's delivery.",
        "キャンペーンの開始から各宛先への配達まで。"),

    ROW(HY_M_CONNECTIONS, HY_GAUGE, "hayauma_connections", "", "SMTP connections open or opening.",
        "開いている、または開きつつある SMTP 接続。"),
    ROW(HY_M_CONNECTIONS_MAX, HY_GAUGE, "hayauma_connections_max", "", "delivery.max_connections.",
        "delivery.max_connections の値。"),
    ROW(HY_M_CONNECTS, HY_COUNTER, "hayauma_connects_total", "", "Connections tried.",
        "接続の試行数。"),
    ROW(HY_M_CONNECT_FAILURES, HY_COUNTER, "hayauma_connect_failures_total", "",
        "Connections that never were one.", "確立しなかった接続。"),
    ROW(HY_M_PROXY_FAILURES, HY_COUNTER, "hayauma_proxy_failures_total", "",
        "Connections whose proxy (of a source) was not there or did not do its part.",
        "送信元のプロキシに届かない、または役目を果たさなかった接続。"),
    ROW(HY_M_TLS_CONNECTIONS, HY_COUNTER, "hayauma_tls_connections_total", "version,resumed",
        "Handshakes that succeeded, by version and whether a session was resumed.",
        "成功したハンドシェイク(版と、セッション再開の有無)。"),
    ROW(HY_M_TLS_FAILURES, HY_COUNTER, "hayauma_tls_failures_total", "", "Handshakes that failed.",
        "失敗したハンドシェイク。"),
    ROW(HY_M_TLS_REPORTS, HY_COUNTER, "hayauma_tls_reports_total", "way,result",
        "TLS reports (RFC 8460) by https or mail: taken by the receiver (of mail: by the queue), "
        "or failed; one that is tried again counts again.",
        "TLS レポート(RFC 8460)の送信数。way は https または mail、result は "
        "sent(受理。mail はキューへの投入)または failed(再試行も数えます)。"),
    ROW(HY_M_DSN_REPORTS, HY_COUNTER, "hayauma_dsn_reports_total", "result",
        "Reports to senders of messages that were handed in: sent (in the queue), or given up, "
        "since "
        "they could be neither written nor stored.",
        "受け付けたメールの送信者への報告。sent(キューへ投入)、または "
        "given_up(作成も保存も不可)。"),
    ROW(HY_M_DSN_PENDING, HY_GAUGE, "hayauma_dsn_pending", "",
        "Messages whose senders are to be told something: soon, or of a delay if it comes to that.",
        "送信者に知らせる予定のメール。まもなく知らせるもの、遅れたら知らせるもの。"),
    ROW(HY_M_TLS_UNCOUNTED, HY_COUNTER, "hayauma_tls_sessions_uncounted_total", "",
        "Sessions that no TLS report will tell of, because its table is full.",
        "集計表が満杯で TLS レポートに入らないセッション数。"),
    ROW(HY_M_LANES, HY_GAUGE, "hayauma_lanes", "", "Lanes (source x site) in memory.",
        "メモリ上のレーン(送信元×配信先)。"),
    ROW(HY_M_LANES_SUSPENDED, HY_GAUGE, "hayauma_lanes_suspended", "",
        "Lanes that wait because their site cannot be reached or told us to.",
        "到達できない、または配信先の指示で待っているレーン。"),
    ROW(HY_M_LANES_HELD, HY_GAUGE, "hayauma_lanes_held", "",
        "Lanes that a person's order holds: nothing new is sent.",
        "人の指示で保留中のレーン(新たに送信しません)。"),
    ROW(HY_M_LANES_SLOWED, HY_GAUGE, "hayauma_lanes_slowed", "",
        "Lanes that a person's order slows by a factor.", "人の指示で速度を抑えているレーン。"),
    ROW(HY_M_SITE_CONNECTIONS, HY_GAUGE, "hayauma_site_connections", "site,source",
        "Connections of the busiest sites (metrics.sites); site other = all the rest.",
        "通数の多い配信先(metrics.sites 件)の接続数。site other は残り全部。"),
    ROW(HY_M_SITE_WINDOW, HY_GAUGE, "hayauma_site_window", "site,source",
        "Connections that the lane allows itself now.", "レーンが今許している接続数。"),
    ROW(HY_M_SITE_WAITING, HY_GAUGE, "hayauma_site_waiting", "site,source",
        "Recipients in the lane's hands that are not out.", "レーンの手元にある未送信の宛先。"),
    ROW(HY_M_SITE_RATE, HY_GAUGE, "hayauma_site_delivered_per_second", "site,source",
        "Deliveries a second over the last seconds.", "直近数秒の毎秒の配達数。"),
    ROW(HY_M_SITE_SUSPENDED, HY_GAUGE, "hayauma_site_suspended_seconds", "site,source",
        "How long the lane will still wait; 0 = it does not.",
        "レーンの残り待ち時間。0 は待っていない。"),

    ROW(HY_M_SOURCE_STATE, HY_GAUGE, "hayauma_source_state", "source,state",
        "1 for the state the source is in: up, partly (one of its two addresses is not on this "
        "machine), missing (none is), no_proxy (its proxy does not do its part).",
        "送信元の現在の状態が 1。up、partly(二つのアドレスの片方がこの機械にない)、"
        "missing(アドレスがない)、no_proxy(プロキシが役目を果たさない)。"),
    ROW(HY_M_SOURCE_CONNECTIONS, HY_GAUGE, "hayauma_source_connections", "source",
        "Connections of the source that are ready for mail.", "送信元の、送信できる状態の接続数。"),
    ROW(HY_M_SOURCE_ATTEMPTS, HY_COUNTER, "hayauma_source_attempts_total", "source,outcome",
        "Attempts from the source, by outcome: delivered, deferred, bounced.",
        "送信元ごとの試行数。outcome は delivered、deferred、bounced。"),
    ROW(HY_M_WARMUP_DAY, HY_GAUGE, "hayauma_warmup_day", "source,provider",
        "Day of its plan, from 1, that a source has reached with a provider; warm behind the last.",
        "ウォームアップ中の送信元が配信先について達した計画の日(1 から)。最終日を過ぎると完了。"),
    ROW(HY_M_WARMUP_LIMIT, HY_GAUGE, "hayauma_warmup_limit", "source,provider",
        "Messages that this day of the plan allows; no sample when warm.",
        "計画のその日の上限通数。完了後はありません。"),
    ROW(HY_M_WARMUP_SENT, HY_GAUGE, "hayauma_warmup_sent", "source,provider",
        "Of them, sent in the last 24 hours.", "そのうち直近 24 時間に送った通数。"),
    ROW(HY_M_WARMUP_COMPLAINTS, HY_GAUGE, "hayauma_warmup_complaints", "source,provider",
        "Refusals of this day that are about us, as the plan judges them.",
        "その日の、送信者側を理由とする拒否の数(計画の判定に使う数)。"),

    ROW(HY_M_SUBMISSION_CONNECTIONS, HY_GAUGE, "hayauma_submission_connections", "",
        "Applications that are connected to hand messages in.",
        "投稿のため接続中のアプリケーション数。"),
    ROW(HY_M_SUBMISSION_CONNECTS, HY_COUNTER, "hayauma_submission_connects_total", "",
        "Connections that came to hand messages in, those that were turned away too.",
        "投稿のための接続数(断ったものを含む)。"),
    ROW(HY_M_SUBMISSION_TURNED_AWAY, HY_COUNTER, "hayauma_submission_turned_away_total", "",
        "Connections that met a limit (submission.connections) and got a 421.",
        "上限 (submission.connections) により 421 で断った接続数。"),
    ROW(HY_M_SUBMISSION_LOGINS, HY_COUNTER, "hayauma_submission_logins_total", "result",
        "Passwords checked: ok, or failed (wrong, or too many failures before).",
        "パスワードの確認回数。ok、または failed(誤り、失敗が多すぎる)。"),
    ROW(HY_M_SUBMISSION_MESSAGES, HY_COUNTER, "hayauma_submission_messages_total", "",
        "Messages that were handed in over SMTP and stored.", "SMTP で受け付けて保存した通数。"),
    ROW(HY_M_SUBMISSION_RECIPIENTS, HY_COUNTER, "hayauma_submission_recipients_total", "",
        "Their recipients.", "その宛先数。"),
    ROW(HY_M_SUBMISSION_BYTES, HY_COUNTER, "hayauma_submission_bytes_total", "",
        "Their size as they were stored.", "保存したバイト数。"),
    ROW(HY_M_SUBMISSION_REFUSED, HY_COUNTER, "hayauma_submission_refused_total", "reason",
        "Whole messages that got no 250: content (cannot be sent as it is), loop, sender (not the "
        "user's domain), unsigned (dkim.required), busy, disk (full), closing, quota (of the "
        "tenant).",
        "250 "
        "を返さなかった通数。content(そのままでは送れない)、loop、sender(利用者のドメインでない)、"
        "unsigned(dkim.required)、busy、disk(満杯)、closing、quota(テナントの上限)。"),

    ROW(HY_M_API_CONNECTIONS, HY_GAUGE, "hayauma_api_connections", "",
        "Connections to the HTTP API.", "HTTP API への接続数。"),
    ROW(HY_M_API_CONNECTS, HY_COUNTER, "hayauma_api_connects_total", "",
        "Connections to the HTTP API that were taken.", "HTTP API が受け付けた接続の数。"),
    ROW(HY_M_API_TURNED_AWAY, HY_COUNTER, "hayauma_api_turned_away_total", "reason",
        "Connections that met a limit: full (api.max_connections), address "
        "(api.connections_per_address).",
        "上限により断った接続の数。full(api.max_connections)、"
        "address(api.connections_per_address)。"),
    ROW(HY_M_API_REQUESTS, HY_COUNTER, "hayauma_api_requests_total", "route,class",
        "Requests by route (none = no such path or method) and class of the answer.",
        "経路(none は該当なし)と応答の種類ごとのリクエスト数。"),
    ROW(HY_M_API_SECONDS, HY_HISTOGRAM, "hayauma_api_request_seconds", "route",
        "From the first byte of a request to the last of its answer; routes that were used.",
        "リクエストの最初のバイトから応答の最後のバイトまで(使われた経路のみ)。"),
    ROW(HY_M_API_REFUSED, HY_COUNTER, "hayauma_api_refused_total", "reason",
        "Requests answered with an error, by its code; over_quota and too_many_failures are those "
        "that were slowed down.",
        "エラーで答えたリクエスト数(コード別)。over_quota と too_many_failures "
        "は流量制限です。"),
    ROW(HY_M_API_MESSAGES, HY_COUNTER, "hayauma_api_messages_total", "",
        "Messages that were handed in over the HTTP API and stored.",
        "HTTP API で受け付けて保存した通数。"),
    ROW(HY_M_API_RECIPIENTS, HY_COUNTER, "hayauma_api_recipients_total", "", "Their recipients.",
        "その宛先数。"),
    ROW(HY_M_API_BYTES, HY_COUNTER, "hayauma_api_bytes_total", "",
        "Their size as they were stored.", "保存したバイト数。"),

    ROW(HY_M_TRACKING_CONNECTIONS, HY_GAUGE, "hayauma_tracking_connections", "",
        "Browsers that are connected to the tracking server.", "計測サーバーへの接続数。"),
    ROW(HY_M_TRACKING_CONNECTS, HY_COUNTER, "hayauma_tracking_connects_total", "",
        "Connections of browsers.", "ブラウザーからの接続の累計。"),
    ROW(HY_M_TRACKING_TURNED_AWAY, HY_COUNTER, "hayauma_tracking_turned_away_total", "reason",
        "Connections that met a limit: full (tracking.max_connections), address "
        "(tracking.connections_per_address).",
        "上限により断った接続の数。full(tracking.max_connections)、"
        "address(tracking.connections_per_address)。"),
    ROW(HY_M_TRACKING_REQUESTS, HY_COUNTER, "hayauma_tracking_requests_total", "route,class",
        "Answers by route and class; none: there is nothing at the path.",
        "経路と応答の種別ごとの応答数。none はどの経路でもないもの。"),
    ROW(HY_M_TRACKING_SECONDS, HY_HISTOGRAM, "hayauma_tracking_request_seconds", "route",
        "Time from the first byte of a request to its answer.",
        "リクエストの最初のバイトから応答までの時間。"),
    ROW(HY_M_TRACKING_FORGED, HY_COUNTER, "hayauma_tracking_forged_total", "",
        "Requests with a token that no mail of ours has.",
        "こちらのメールにないトークンによるリクエストの数。"),
    ROW(HY_M_TRACKING_HITS, HY_COUNTER, "hayauma_tracking_hits_total", "",
        "Clicks, opens and the like that were noted in the journal.",
        "ジャーナルに記録したクリックや開封などの数。"),
    ROW(HY_M_TRACKING_LOST, HY_COUNTER, "hayauma_tracking_lost_total", "",
        "Those that were not: the journal was full (tracking.journal).",
        "ジャーナルが満杯(tracking.journal)で記録できなかった数。"),
    ROW(HY_M_TRACKING_LIMITED, HY_COUNTER, "hayauma_tracking_limited_total", "by",
        "Those that were answered but not noted one by one, because there were too many of the "
        "same address, token, visitor or lead (tracking.hits_per_address and its like).",
        "同じアドレス、トークン、訪問者、リードからのものが多すぎたため、応答だけして個別には記録し"
        "なかった数(tracking.hits_per_address など)。by は address、token、visitor、lead。"),
    ROW(HY_M_TRACKING_STORED, HY_COUNTER, "hayauma_tracking_stored_total", "",
        "Those that went from the journal into the database.",
        "ジャーナルからデータベースに移した数。"),
    ROW(HY_M_TRACKING_WAITING, HY_GAUGE, "hayauma_tracking_waiting_hits", "",
        "Those in the journal that the database has not yet.",
        "ジャーナルにあり、まだデータベースにない数。"),
    ROW(HY_M_TRACKING_OLDEST, HY_GAUGE, "hayauma_tracking_oldest_seconds", "",
        "How long the oldest of them has waited.", "そのうち最も古いものの待ち時間。"),
    ROW(HY_M_TRACKING_JOURNAL, HY_GAUGE, "hayauma_tracking_journal_bytes", "",
        "Bytes of the journal that they take.", "それらがジャーナルで占めるバイト数。"),
    ROW(HY_M_TRACKING_JOURNAL_ROOM, HY_GAUGE, "hayauma_tracking_journal_room_bytes", "",
        "Size of the journal.", "ジャーナルの大きさ。"),

    ROW(HY_M_INTAKE_MAILS, HY_COUNTER, "hayauma_intake_mails_total", "kind,result",
        "Mail that came back, by listener or command: noted, not_for_us (nobody that we wrote to), "
        "known (it came before), failed (to be brought again).",
        "戻ってきたメールの数。noted(記録)、not_for_us(該当なし)、known(既知)、"
        "failed(再度届けられる)。"),
    ROW(HY_M_INTAKE_ACTIVITIES, HY_COUNTER, "hayauma_intake_activities_total", "",
        "What it said of recipients and was noted.", "それが宛先について伝え、記録した件数。"),
    ROW(HY_M_INTAKE_SUPPRESSED, HY_COUNTER, "hayauma_intake_suppressed_total", "",
        "Of them, those that put the address on the suppression list.",
        "そのうち送信停止リストに載せた件数。"),
    ROW(HY_M_INTAKE_WAITING, HY_GAUGE, "hayauma_intake_waiting", "",
        "Mails that came back and are being read or stored.", "読み取り・保存の途中の通数。"),
    ROW(HY_M_INTAKE_CONNECTIONS, HY_GAUGE, "hayauma_intake_connections", "",
        "Servers that are connected to bring mail back.", "メールを戻すため接続中のサーバー数。"),
    ROW(HY_M_INTAKE_CONNECTS, HY_COUNTER, "hayauma_intake_connects_total", "",
        "Connections that came to bring mail back, those that were turned away too.",
        "メールを戻すための接続数(断ったものを含む)。"),
    ROW(HY_M_INTAKE_TURNED_AWAY, HY_COUNTER, "hayauma_intake_turned_away_total", "",
        "Connections that met a limit (intake.max_connections, intake.connections_per_address).",
        "上限により断った接続の数。"),

    ROW(HY_M_OPEN_DOMAINS, HY_GAUGE, "hayauma_open_domains", "",
        "Recipient domains that the feeder has open.", "フィーダーが開いている宛先ドメイン。"),
    ROW(HY_M_OPEN_DOMAINS_MAX, HY_GAUGE, "hayauma_open_domains_max", "", "delivery.open_domains.",
        "delivery.open_domains の値。"),
    ROW(HY_M_DNS_LOOKUPS, HY_COUNTER, "hayauma_dns_lookups_total", "",
        "Domains looked up: MX and addresses together.",
        "ドメインの検索回数(MX とアドレスを一組で)。"),
    ROW(HY_M_DNS_QUESTIONS, HY_COUNTER, "hayauma_dns_questions_total", "",
        "Questions sent to the resolvers.", "リゾルバーに送った質問。"),
    ROW(HY_M_DNS_CACHE_HITS, HY_COUNTER, "hayauma_dns_cache_hits_total", "",
        "Questions that the cache answered.", "キャッシュが答えた質問。"),
    ROW(HY_M_DNS_FAILURES, HY_COUNTER, "hayauma_dns_failures_total", "",
        "Questions without a usable answer.", "使える答えがなかった質問。"),
    ROW(HY_M_DNS_WAITING, HY_GAUGE, "hayauma_dns_waiting", "", "Questions that wait to be sent.",
        "送信待ちの質問。"),
    ROW(HY_M_DNS_CACHE_ENTRIES, HY_GAUGE, "hayauma_dns_cache_entries", "", "Answers in the cache.",
        "キャッシュ中の答え。"),
    ROW(HY_M_IN_HAND, HY_GAUGE, "hayauma_messages_in_hand", "",
        "Messages between a row and its stored outcome.", "行から結果の保存までの間にある通数。"),
    ROW(HY_M_INFLIGHT, HY_GAUGE, "hayauma_inflight_slots", "",
        "Slots of the in-flight table in use.", "送信中テーブルの使用スロット。"),
    ROW(HY_M_INFLIGHT_MAX, HY_GAUGE, "hayauma_inflight_slots_max", "", "delivery.in_flight_max.",
        "delivery.in_flight_max の値。"),

    ROW(HY_M_PRESS_WAITING, HY_GAUGE, "hayauma_press_waiting", "",
        "Jobs that no press thread has taken.", "プレススレッドが取り出していない仕事。"),
    ROW(HY_M_PRESS_BYTES, HY_GAUGE, "hayauma_press_bytes", "",
        "Rendered messages that no connection has taken (delivery.press_memory).",
        "接続に渡っていない生成済みメッセージ(delivery.press_memory)。"),
    ROW(HY_M_PRESSED, HY_COUNTER, "hayauma_pressed_total", "", "Messages rendered.",
        "生成したメッセージ。"),
    ROW(HY_M_PRESS_CPU, HY_COUNTER, "hayauma_press_cpu_seconds_total", "",
        "Processor time of rendering and signing; divided by hayauma_pressed_total, that of one.",
        "生成と署名の CPU 時間。hayauma_pressed_total で割ると一通あたり。"),
    ROW(HY_M_SIGNATURES, HY_COUNTER, "hayauma_signed_total", "", "Messages signed with DKIM.",
        "DKIM で署名したメッセージ。"),

    ROW(HY_M_COMMIT_SECONDS, HY_HISTOGRAM, "hayauma_commit_seconds", "",
        "Time of a commit of the store.", "ストアのコミット時間。"),
    ROW(HY_M_FAILED_COMMITS, HY_COUNTER, "hayauma_commits_failed_total", "",
        "Commits that failed: a full disk, or worse.", "失敗したコミット(ディスク満杯など)。"),
    ROW(HY_M_APPLY_SECONDS, HY_COUNTER, "hayauma_writer_apply_seconds_total", "",
        "Time the writer spent on changes before their commit.",
        "ライターがコミット前の変更に使った時間。"),
    ROW(HY_M_WRITER_REQUESTS, HY_COUNTER, "hayauma_writer_requests_total", "result",
        "Changes given to the writer: applied or failed. Divided by the commits, the size of a "
        "group.",
        "ライターへの変更要求(applied、failed)。コミット数で割るとグループの大きさ。"),
    ROW(HY_M_WRITER_WAITING, HY_GAUGE, "hayauma_writer_waiting", "",
        "Changes that are not committed yet.", "未コミットの変更。"),
    ROW(HY_M_WRITER_LAG, HY_GAUGE, "hayauma_writer_lag_seconds", "",
        "How long the oldest of them has waited.", "そのうち最も古いものの待ち時間。"),
    ROW(HY_M_STORE_STATE, HY_GAUGE, "hayauma_store_state", "state",
        "1 for the state the store is in: ready, low (intake refused), full (outcomes wait), "
        "failed.",
        "ストアの現在の状態が 1。ready、low(受付拒否)、full(結果が待機)、failed。"),
    ROW(HY_M_STORE_BYTES, HY_GAUGE, "hayauma_store_bytes", "", "Size of the store's file.",
        "ストアのファイルの大きさ。"),
    ROW(HY_M_STORE_FREE, HY_GAUGE, "hayauma_store_free_bytes", "", "Of it, what can be used again.",
        "そのうち再利用できる大きさ。"),
    ROW(HY_M_STORE_MAP, HY_GAUGE, "hayauma_store_max_bytes", "", "store.map_max.",
        "store.map_max の値。"),
    ROW(HY_M_DISK_FREE, HY_GAUGE, "hayauma_disk_free_bytes", "",
        "Free on the disk that the store is on.", "ストアのあるディスクの空き。"),
    ROW(HY_M_STORE_READERS, HY_GAUGE, "hayauma_store_readers", "",
        "Reader slots of the store in use.", "ストアの使用中リーダー。"),
    ROW(HY_M_STORE_READERS_MAX, HY_GAUGE, "hayauma_store_readers_max", "", "store.readers.",
        "store.readers の値。"),
    ROW(HY_M_STORE_ENTRIES, HY_GAUGE, "hayauma_store_entries", "table", "Entries of each table.",
        "各テーブルの件数。"),

    ROW(HY_M_EVENTS_SENT, HY_COUNTER, "hayauma_events_sent_total", "destination",
        "Events that a destination of events.files or events.webhooks has taken.",
        "イベントの送り先が受け取った件数。"),
    ROW(HY_M_EVENTS_FAILURES, HY_COUNTER, "hayauma_events_failures_total", "destination",
        "Requests and writes that a destination did not take; they are made again.",
        "送り先が受け取らなかった回数(再試行される)。"),
    ROW(HY_M_EVENTS_STATE, HY_GAUGE, "hayauma_events_state", "destination,state",
        "1 for the state the destination is in: ok, failing, paused, disabled.",
        "送り先の現在の状態が 1。ok、failing、paused、disabled。"),
    ROW(HY_M_EVENTS_LAG, HY_GAUGE, "hayauma_events_lag_seconds", "destination",
        "How old the last thing is that the destination has read, while there is something newer; "
        "0 = it has read all.",
        "未読のものがある送り先が最後に読んだ時点からの秒数。0 = すべて読んだ。"),

    ROW(HY_M_REACTION_LAG, HY_GAUGE, "hayauma_reaction_lag_seconds", "",
        "Age of the oldest activity that should have taken effect (scores, segments) and has not; "
        "0 = all have.",
        "効果(スコア、セグメント)がまだ反映されていない最も古い行動からの秒数。0 = "
        "すべて反映済み。"),
    ROW(HY_M_REACTION_SECONDS, HY_HISTOGRAM, "hayauma_reaction_seconds", "",
        "From an activity being noted to its effect on disk; opens and clicks: to their verdict.",
        "行動が記録されてから効果が保存されるまで。開封とクリックは判定まで。"),
    ROW(HY_M_REACTION_SKIPPED, HY_COUNTER, "hayauma_reaction_skipped_total", "",
        "Activities whose effects kept failing and were left out.",
        "効果の反映に失敗し続けたため飛ばした行動。"),
    ROW(HY_M_REACTION_FAILURES, HY_COUNTER, "hayauma_reaction_failures_total", "",
        "Batches of effects that could not be stored; they are made again.",
        "保存できなかった効果のまとまり(再試行される)。"),
    ROW(HY_M_REACTION_COUNTED, HY_COUNTER, "hayauma_reaction_counted_total", "",
        "Opens and clicks that took effect.", "効果が反映された開封とクリック。"),
    ROW(HY_M_REACTION_WITHDRAWN, HY_COUNTER, "hayauma_reaction_withdrawn_total", "",
        "Opens and clicks whose effect was taken back, since a machine gave itself away later.",
        "後で機械と分かり、効果を取り消した開封とクリック。"),
    ROW(HY_M_VERDICTS, HY_COUNTER, "hayauma_verdicts_total", "verdict,reason",
        "Opens and clicks by who did them (human, machine, unknown) and why that is thought, as "
        "judged at first.",
        "開封とクリックの最初の判定(human、machine、unknown)とその理由。"),
    ROW(HY_M_REACTION_CPU, HY_COUNTER, "hayauma_reaction_cpu_seconds_total", "",
        "Processor time of the thread that follows activities; what it writes is the store's.",
        "行動を追うスレッドの CPU 時間。書き込みはストアの側に入ります。"),
    ROW(HY_M_VERDICTS_REVISED, HY_COUNTER, "hayauma_verdicts_revised_total", "",
        "Verdicts that changed after they were given.", "後で変わった判定。"),
    ROW(HY_M_SEGMENT_LOOKS, HY_COUNTER, "hayauma_segment_looks_total", "",
        "Times a segment was asked whether a lead is in it, after something happened or time "
        "passed.",
        "出来事や時間の経過により、リードが該当するかをセグメントごとに調べた回数。"),
    ROW(HY_M_SEGMENT_STEPS, HY_COUNTER, "hayauma_segment_steps_total", "",
        "Activities that were read to find out whether a lead is in a segment.",
        "リードがセグメントに該当するかを調べるために読んだ行動。"),
    ROW(HY_M_SEGMENT_PUT_OFF, HY_COUNTER, "hayauma_segment_put_off_total", "",
        "Leads that were looked at some seconds later, since they did so much that looking took "
        "long.",
        "行動が多く調べるのに時間がかかったため、数秒後に回したリード。"),
    ROW(HY_M_SEGMENT_MOVES, HY_COUNTER, "hayauma_segment_moves_total", "direction",
        "Leads that entered segments, and left them (in, out); not those found when one is made.",
        "セグメントに入った(in)、出た(out)リード。作成時に見つかったものは含みません。"),
    ROW(HY_M_SEGMENT_LAG, HY_GAUGE, "hayauma_segment_lag_seconds", "",
        "How long the passing of time should have moved leads and has not yet; 0 = nothing is "
        "late.",
        "時間の経過によるリードの出入りの遅れ(秒)。0 = 遅れなし。"),

    ROW(HY_M_SCORE_OVER, HY_GAUGE, "hayauma_score_leads_over", "threshold",
        "Leads over a threshold of the scoring rules.", "スコアのしきい値を超えているリード数。"),
    ROW(HY_M_SCORE_LEADS, HY_GAUGE, "hayauma_score_leads", "", "Leads that have, or had, points.",
        "点数のある(あった)リード数。"),
    ROW(HY_M_SCORE_ENTRIES, HY_GAUGE, "hayauma_score_entries", "",
        "Entries of the ledger: points given, withdrawn, carried on.",
        "点数の台帳の記録数(付与、取り消し、繰り越し)。"),
    ROW(HY_M_HANDOFFS, HY_GAUGE, "hayauma_handoffs_open", "state",
        "Hot leads that are to be handed over: waits (for a try), failed (a person decides).",
        "営業への引き渡しのうち未完のもの。waits(試行待ち)、failed(人の判断待ち)。"),
    ROW(HY_M_HANDOFFS_DONE, HY_COUNTER, "hayauma_handoffs_total", "",
        "Hand-offs that arrived: mails in the spool, requests answered with 2xx.",
        "届いた引き渡し(スプールに入ったメール、2xx で応答されたリクエスト)。"),
    ROW(HY_M_HANDOFF_FAILURES, HY_COUNTER, "hayauma_handoff_failures_total", "",
        "Tries to hand a lead over that failed.", "失敗した引き渡しの試行。"),

    ROW(HY_M_LOG_LINES, HY_COUNTER, "hayauma_attempt_log_lines_total", "",
        "Lines written to the attempt log.", "試行ログに書いた行。"),
    ROW(HY_M_LOG_DROPPED, HY_COUNTER, "hayauma_attempt_log_dropped_total", "",
        "Lines dropped because the disk or journal was too slow: delivery does not wait for it.",
        "ディスクやジャーナルが遅く捨てた行(配信は待ちません)。"),
    ROW(HY_M_SCRAPE_SECONDS, HY_GAUGE, "hayauma_scrape_seconds", "",
        "Time it took to gather this answer.", "この回答を集めるのにかかった時間。"),
};

const char *hy_metric_type_name(enum hy_metric_type t)
{
    static const char *const names[] = {"counter", "gauge", "histogram", "summary"};
    return (unsigned)t < sizeof names / sizeof *names ? names[t] : "?";
}

void hy_metrics_doc(struct hy_buf *out)
{
    hy_buf_add_lit(
        out,
        "# Metrics\n\n"
        "<!-- Made by tools/gen-metrics-docs from src/config/metrics.c. -->\n\n"
        "`hayaumad` answers `GET /metrics` at `metrics.listen` (127.0.0.1:9095) in the text format "
        "of Prometheus,\nor as OpenMetrics 1.0 when the client asks for it. `/healthz` says 200 "
        "while the daemon's main loop turns,\n`/readyz` while it takes and stores outcomes; "
        "otherwise 503 and the reason. A scrape reads counters that\nthe workers move anyway, and "
        "a snapshot of the store: no lock that delivery waits for is held longer than to copy a "
        "few "
        "numbers.\nThe number of series is bounded: by `metrics.sites`, `metrics.campaigns`, 48 "
        "providers, the sources (warm-up:\n4,096 pairs of source and provider), and the tables "
        "below.\n"
        "conf/grafana/hayauma.json is a dashboard of them, conf/grafana/alerts.yaml holds "
        "rules.\n\n"
        "`hayaumad` は `metrics.listen`(127.0.0.1:9095)で Prometheus のテキスト形式"
        "(求められれば OpenMetrics 1.0)を返します。\n`/healthz` と `/readyz` は正常なら 200、"
        "そうでなければ 503 と理由を返します。系列の数には上限があります。\n\n"
        "| name | type | labels | meaning | 意味 |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < HY_METRICS; i++) {
        const struct hy_metric_row *m = &hy_metrics[i];
        hy_buf_printf(out, "| `%s` | %s | %s | %s | %s |\n", m->name, hy_metric_type_name(m->type),
                      m->labels, m->help, m->help_ja);
    }
    hy_buf_add_lit(out, "\nHistograms have the buckets 1, 5, 10, 25, 50, 100, 250, 500 ms, 1, 2.5, "
                        "5, 10, 30, 60 s, 5, 30 min, 3 h, 1 d.\n");
}
