/* The table of commands, in the order of help. */
#include "commands.h"

const struct cli_option cli_global_options[] = {
    {"json", NULL, CLI_TEXT, NULL, {"print the result as JSON", "結果を JSON で出力する"}},
    {"config",
     "FILE",
     CLI_FILE,
     NULL,
     {"configuration (HAYAUMA_CONFIG, /etc/hayauma/hayauma.yaml)",
      "設定ファイル (HAYAUMA_CONFIG、/etc/hayauma/hayauma.yaml)"}},
    {"socket",
     "PATH",
     CLI_FILE,
     NULL,
     {"the daemon's socket (HAYAUMA_SOCKET, control.socket)",
      "デーモンのソケット (HAYAUMA_SOCKET、control.socket)"}},
    {"help", NULL, CLI_TEXT, NULL, {"show help and end", "説明を表示して終わる"}},
    {"version", NULL, CLI_TEXT, NULL, {"show the version and end", "版を表示して終わる"}},
    {0}};

const struct cli_command *const cli_commands[] = {
    &cmd_status,          &cmd_config_check,   &cmd_config_dump,    &cmd_reload,
    &cmd_import,          &cmd_list_show,      &cmd_list_export,    &cmd_campaign_create,
    &cmd_campaign_start,  &cmd_campaign_watch, &cmd_campaign_pause, &cmd_campaign_resume,
    &cmd_campaign_cancel, &cmd_campaign_show,  &cmd_campaign_list,  &cmd_queue,
    &cmd_sites,           &cmd_explain,        &cmd_audit,          &cmd_backup,
    &cmd_dkim_keygen,     &cmd_dkim_check,     &cmd_completion,     NULL,
};
