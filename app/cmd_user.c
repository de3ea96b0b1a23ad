#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/layout.h"
#include "app/people.h"
#include "base/alloc.h"
#include "base/text.h"
#include "db/log.h"
#include "db/person.h"

enum { OPT_ROLE = OPT_OWN, OPT_AS };

struct options {
    const char *name, *role, *as;
    bool json;
};

char *person_now(const struct project *project, const char *as)
{
    const char *given = as ? as : settings_text(project->settings, SETTING_PERSON);
    struct passwd *account = given[0] ? NULL : getpwuid(geteuid());
    return xstrdup(given[0] ? given : account ? account->pw_name : "unknown");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON: o->json = true; return 0;
    case OPT_AS: o->as = arg; return 0;
    case OPT_ROLE:
        if (strcmp(arg, "lead") != 0 && strcmp(arg, "inspector") != 0)
            argp_error(state, _("--role is lead or inspector, not '%s'"), arg);
        o->role = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->name)
            argp_error(state, _("one person at a time"));
        o->name = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->role && !o->name)
            argp_error(state, _("say who with a NAME"));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

enum status people_name(struct project *project, const char *by, const char *name, bool lead, struct error *err)
{
    int64_t who, person;
    enum status status = db_person_ensure(project->db, by, &who, err);
    if (status == ST_OK)
        status = db_person_ensure(project->db, name, &person, err);
    if (status == ST_OK)
        status = db_role_set(project->db, who, person, lead, err);
    if (status == ST_OK) {
        char *text = xasprintf("%s is %s", name, lead ? "a lead" : "an inspector");
        status = db_log_add(project->db, by, "role", "", text, err);
        free(text);
    }
    return status;
}

// name: this one alone, NULL all.
static enum status list(struct project *project, const char *name_only, bool json, struct error *err)
{
    struct user_row *rows;
    size_t count, leads = 0, shown = 0;
    enum status status = db_users(project->db, &rows, &count, err);
    if (status != ST_OK)
        return status;
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        char *name = text_cleaned(rows[i].name);
        leads += rows[i].lead;
        bool meant = !name_only || strcmp(name_only, rows[i].name) == 0;
        shown += meant;
        if (!meant)
            ; // not asked for
        else if (json)
            json_array_append_new(all, json_pack("{s:s, s:s, s:I}", "name", rows[i].name, "role", rows[i].lead ? "lead" : "inspector",
                                                 "answers", (json_int_t)rows[i].answers));
        else
            printf(rows[i].answers == 1 ? _("%-*s %-*s %8lld answer\n") : _("%-*s %-*s %8lld answers\n"), CELL(name, 24), CELL(rows[i].lead ? _("lead") : _("inspector"), 10), (long long)rows[i].answers);
        free(name);
    }
    if (name_only && shown == 0)
        status = error_set(err, ST_NOT_FOUND, "nobody called '%s' has answered here; --role says what somebody is", name_only);
    else if (json)
        print_json(json_pack("{s:O}", "people", all));
    else if (leads == 0 && !name_only)
        puts(_("No lead is named: everybody may do what a lead may. `assay user NAME --role lead` names one."));
    json_decref(all);
    user_free(rows, count);
    return status;
}

static enum status run(const struct options *o, struct error *err)
{
    struct project project;
    enum status status = project_open(NULL, &project, err);
    if (status != ST_OK)
        return status;
    if (o->name && o->role) {
        char *by = person_now(&project, o->as);
        status = people_name(&project, by, o->name, strcmp(o->role, "lead") == 0, err);
        free(by);
    }
    if (status == ST_OK)
        status = list(&project, o->role ? NULL : o->name, o->json, err);
    project_close(&project);
    return status;
}

int cmd_user(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"role", OPT_ROLE, "ROLE", 0, N_("lead: second review, promoting models, merging classes; or inspector"), 0},
        {"as", OPT_AS, "PERSON", 0, N_("who says so (default: the setting person, else the account)"), 0},
        OPTION_JSON,
        {0}};
    static const struct argp argp = {table, parse, "[NAME]",
                                     N_("List who answered and who is a lead, or one person, or say what somebody is. Roles go by the name "
                                     "people give: they say who decides, they are no protection."), NULL, NULL, NULL};
    struct options o = {0};
    struct error err;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o, &err) == ST_OK ? EXIT_OK : fail(&err);
}
