/* Every command of the control socket, by the file that handles it. */
#include "daemon.h"

const struct hy_control_command *const *ctl_tables(void)
{
    static const struct hy_control_command *const tables[] = {
        ctl_status_commands,
        ctl_store_commands,
        ctl_campaign_run_commands,
        ctl_campaign_commands,
        ctl_list_commands,
        ctl_lead_commands,
        ctl_explain_commands,
        ctl_queue_commands,
        ctl_message_commands,
        ctl_rows_commands,
        ctl_alter_commands,
        ctl_import_commands,
        ctl_lane_commands,
        ctl_lane_show_commands,
        ctl_top_commands,
        ctl_site_commands,
        ctl_tls_commands,
        ctl_source_commands,
        ctl_suppress_commands,
        ctl_activity_commands,
        ctl_activity_import_commands,
        ctl_suppress_import_commands,
        ctl_suppress_export_commands,
        ctl_person_commands,
        ctl_erase_commands,
        ctl_order_commands,
        ctl_order_import_commands,
        ctl_merge_commands,
        ctl_intake_commands,
        ctl_template_commands,
        ctl_tenant_commands,
        ctl_tenant_report_commands,
        ctl_events_commands,
        ctl_report_commands,
        ctl_score_commands,
        ctl_score_try_commands,
        ctl_score_learn_commands,
        ctl_segment_commands,
        ctl_company_commands,
        NULL,
    };
    return tables;
}
