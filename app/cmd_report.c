#include "config.h"

#include "app/report.h"

enum { OPT_SCENE = OPT_OWN, OPT_HTML, OPT_SINCE, OPT_SHIFT };
enum { SHIFT_MS = 8 * 3600 * 1000 };

struct options {
    struct report_options report;
    const char *html;
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_SCENE: o->report.scene = arg; return 0;
    case OPT_HTML: o->html = arg; return 0;
    case OPT_SHIFT: o->report.shift = true; return 0;
    case OPT_SINCE:
        if (!clock_parse(arg, clock_unix_ms(), &o->report.since_ms) || o->report.since_ms < 0)
            argp_error(state, _("--since is a date (2026-01-31), a time (2026-01-31T06:00) or an age (8h, 30m, 2d), not '%s'"), arg);
        if (o->report.since_ms > clock_unix_ms())
            argp_error(state, _("--since %s is still to come"), arg);
        return 0;
    case ARGP_KEY_END:
        if (o->report.shift && !o->report.since_ms)
            o->report.since_ms = clock_unix_ms() - SHIFT_MS;
        return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    struct report report;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    status = report_gather(&project, &o->report, &report, err);
    if (status == ST_OK) {
        if (o->html)
            status = report_html(&project, &report, o->html, err);
        if (status == ST_OK && o->json)
            print_json(report_json(&report));
        else if (status == ST_OK && o->html)
            printf("%s written\n", o->html);
        else if (status == ST_OK)
            report_text(&report, stdout);
        report_clear(&report);
    }
    project_close(&project);
    return status;
}

int cmd_report(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"html", OPT_HTML, "FILE", 0, N_("write a page that needs nothing else, with curves and pictures"), 0},
        {"since", OPT_SINCE, "TIME", 0,
         N_("what people said from then on: a date, a time, or an age such as 8h (default: ever; with --shift: 8h)"), 0},
        {"shift", OPT_SHIFT, NULL, 0, N_("the handover of a shift: what was found, what is open, by object"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {
        table, parse, NULL, N_("Tell what the filter kept, what it lost, how sure that is, and what people said."), NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
