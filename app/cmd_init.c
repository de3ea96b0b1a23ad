#include "config.h"

#include "app/app.h"
#include "app/people.h"
#include "app/project.h"
#include "db/person.h"

enum { OPT_LEAD = OPT_OWN + 1 };

struct options {
    const char *dir, *base, *lead;
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_OWN:
        o->base = arg;
        return 0;
    case OPT_LEAD:
        o->lead = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->dir)
            argp_error(state, _("one folder only"));
        o->dir = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->dir || !o->dir[0])
            argp_error(state, _("name the folder of the new project"));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_init(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"base", OPT_OWN, "FILE|filter-bank", 0,
         N_("another base than the one inside the program: a weight file (`assay base import --help`) or the filter bank"), 0},
        {"lead", OPT_LEAD, "NAME", 0, N_("who decides: second review, promoting models, merging classes (`assay user` changes it)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "DIR", N_("Make a project in DIR."), NULL, NULL, NULL};
    struct options o = {0};
    struct project project;
    struct error err;
    struct base *base;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if ((o.lead && db_person_name_check(o.lead, &err) != ST_OK) || project_create(o.dir, o.base, &project, &err) != ST_OK)
        return fail(&err);
    if ((o.lead && people_name(&project, o.lead, o.lead, true, &err) != ST_OK) || project_base(&project, &base, &err) != ST_OK) {
        project_close(&project);
        return fail(&err);
    }
    const struct base_info *info = base_info(base);
    if (o.json)
        print_json(json_pack("{s:o, s:s, s:s, s:I}", "project", json_outside(project.dir), "base", info->name, "sha256",
                             info->sha256, "parameters", (json_int_t)info->parameters));
    else
        printf(_("%s: new project, base %s\n"), project.dir, info->name);
    base_free(base);
    project_close(&project);
    return EXIT_OK;
}
