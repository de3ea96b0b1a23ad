#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/keys.h"
#include "app/poor_session.h"
#include "app/review_session.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/intl.h"
#include "base/parallel.h"
#include "base/text.h"
#include "db/scene.h"
#include "ui/review.h"

enum { OPT_AS = OPT_OWN, OPT_SCENE, OPT_GRAPHICS, OPT_SCRIPT, OPT_POOR, OPT_SECOND };

struct options {
    const char *as, *scene, *script, *graphics;
    bool poor, second_look;
};

static void say_saved(size_t answers, const char *person)
{
    char *name = text_cleaned(person);
    fprintf(stderr, answers == 1 ? _("assay: %zu answer by %s, saved\n") : _("assay: %zu answers by %s, all saved\n"),
            answers, name);
    free(name);
}

static void say_of_scene(const char *scene, const char *text)
{
    char *name = text_cleaned(scene);
    fprintf(stderr, _("assay: %s: %s\n"), name, text);
    free(name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    struct error err;
    switch (key) {
    case OPT_AS: o->as = arg; return 0;
    case OPT_SCENE: o->scene = arg; return 0;
    case OPT_SCRIPT: o->script = arg; return 0;
    case OPT_POOR: o->poor = true; return 0;
    case OPT_SECOND: o->second_look = true; return 0;
    case OPT_GRAPHICS:
        if (setting_valid(SETTING_GRAPHICS, arg, &err) != ST_OK)
            argp_error(state, _("--%s"), err.text);
        o->graphics = arg;
        return 0;
    case ARGP_KEY_ARG: argp_error(state, _("takes no argument '%s'"), arg); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

// Accounts are shared, so the person is asked for, with the account as the proposal.
static char *ask_person(void)
{
    struct passwd *account = getpwuid(geteuid());
    const char *proposal = account ? account->pw_name : "inspector";
    char line[128];
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return xstrdup(proposal);
    fprintf(stderr, _("Who answers? [%s] "), proposal);
    if (!fgets(line, sizeof line, stdin))
        return xstrdup(proposal);
    line[strcspn(line, "\r\n")] = '\0';
    text_clean(line);
    return xstrdup(line[0] ? line : proposal);
}

static int graphics_set(const struct project *project)
{
    static const char *const names[] = {[GRAPHICS_AUTO] = "auto", [GRAPHICS_SIXEL] = "sixel", [GRAPHICS_KITTY] = "kitty",
                                        [GRAPHICS_SYMBOLS] = "symbols",
                                        [GRAPHICS_BLOCKS] = "blocks", [GRAPHICS_ASCII] = "ascii"};
    const char *set = settings_text(project->settings, SETTING_GRAPHICS);
    int i = 0;
    while (i < (int)(sizeof names / sizeof *names) - 1 && strcmp(names[i], set) != 0)
        i++;
    return i;
}

// --as, else what is set, else asked. Caller frees.
static char *who(const struct project *project, const char *as)
{
    const char *given = as ? as : settings_text(project->settings, SETTING_PERSON);
    return given[0] ? xstrdup(given) : ask_person();
}

// What going on would bring, a line for each scene.
static void tell_gain(struct project *project, const char *only)
{
    struct scene *scenes = NULL;
    size_t count = 0;
    struct error unused;
    if (db_scene_list(project->db, &scenes, &count, &unused) != ST_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        char text[ASK_TEXT];
        if ((!only || strcmp(only, scenes[i].name) == 0) &&
            ask_gain_text(project, scenes[i].id, text, &unused) == ST_OK && text[0])
            say_of_scene(scenes[i].name, text);
        scene_clear(&scenes[i]);
    }
    free(scenes);
}

enum status review_project(struct project *project, const char *as, const char *scene, bool second_look, const char *script,
                           struct error *err)
{
    char *person = who(project, as);
    struct review_session *session;
    enum status status = review_session_open(project, person, scene, &session, err);
    if (status == ST_OK) {
        struct keymap *keymap = keymap_new();
        char *log = file_join(project->dir, "cache/crash.log");
        char *title = xasprintf(_("%s, %s"), strrchr(project->dir, '/') ? strrchr(project->dir, '/') + 1 : project->dir,
                                person);
        struct review_config config = {.title = title, .limits = project->limits, .graphics = graphics_set(project),
                                       .threads = parallel_cores() > 1 ? 2 : 1, .script = script, .keymap = keymap, .crash_log = log,
                                       .theme = settings_text(project->settings, SETTING_THEME)};
        size_t answers = 0;
        status = keys_read(project->settings, keymap, err);
        if (status == ST_OK && second_look)
            status = review_session_second_look(session, err);
        if (status == ST_OK)
            status = review_run(&config, review_session_model(session), &answers, err);
        free(title);
        keymap_free(keymap);
        free(log);
        struct error kept = {0};
        review_session_close(session, &kept);
        if (status == ST_OK || answers > 0)
            say_saved(answers, person);
        if (answers > 0 && !second_look)
            tell_gain(project, scene);
        if (kept.code != ST_OK)
            fprintf(stderr, _("assay: a labelled picture could not be copied into the project: %s; `assay check --repair` tries again\n"),
                    kept.text);
    }
    free(person);
    return status;
}

static enum status review_poor(struct project *project, const struct options *o, struct error *err)
{
    char *person = who(project, o->as);
    struct keymap *keymap = keymap_new();
    char *log = file_join(project->dir, "cache/crash.log");
    char *title = xasprintf(_("poor pictures, %s"), person);
    struct review_config config = {.title = title, .limits = project->limits, .graphics = graphics_set(project), .threads = 1,
                                   .script = o->script, .keymap = keymap, .crash_log = log, .theme = settings_text(project->settings, SETTING_THEME)};
    struct scoring_report report = {0};
    size_t answers = 0;
    enum status status = keys_read(project->settings, keymap, err);
    if (status == ST_OK)
        status = poor_review(project, person, o->scene, &config, &answers, err);
    if (status == ST_OK || answers > 0)
        say_saved(answers, person);
    if (status == ST_OK) {
        status = poor_screen_fine(project, &report, err);
        if (status == ST_BUSY) {
            fprintf(stderr, _("assay: those that are fine after all are screened by what runs now, or by the next `assay screen`\n"));
            status = ST_OK;
        }
    }
    if (report.scored > 0)
        fprintf(stderr, _("assay: %lld fine after all: screened, %lld of them flagged\n"), (long long)report.scored,
                (long long)report.flagged);
    free(title);
    keymap_free(keymap);
    free(log);
    free(person);
    return status;
}

int cmd_review(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"as", OPT_AS, "NAME", 0, N_("who answers (or ASSAY_AS in the environment)"), 0},
        {"scene", OPT_SCENE, "NAME", 0, N_("this scene only"), 0},
        {"graphics", OPT_GRAPHICS, "HOW", 0, N_("auto, sixel, kitty, symbols, blocks (for fonts with few symbols) or ascii; default: what the terminal says it has"), 0},
        {"poor", OPT_POOR, NULL, 0, N_("the pictures set aside as poor: n fine after all, w really poor, d a defect"), 0},
        {"second-look", OPT_SECOND, NULL, 0, N_("answers that score and neighbours contradict, once more"), 0},
        {"script", OPT_SCRIPT, "FILE", 0, N_("keys from a file instead of the keyboard"), 0},
        {0}};
    struct options o = {0};
    struct project project;
    struct error err;
    struct keymap *standard = keymap_new();
    char *keys = keymap_all(standard, false);
    char *doc = xasprintf("%s\v%s", _("Answer the flagged pictures, in the order in which answers are worth most."), keys);
    const struct argp argp = {table, parse, NULL, doc, NULL, NULL, NULL};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    free(doc);
    free(keys);
    keymap_free(standard);
    if (project_open(NULL, &project, &err) != ST_OK)
        return fail(&err);
    enum status status = settings_option(project.settings, SETTING_GRAPHICS, o.graphics, "--graphics", &err);
    struct error odd; // a name that an earlier program took
    if (status == ST_OK && o.as && setting_valid(SETTING_PERSON, o.as, &odd) == ST_OK)
        status = settings_option(project.settings, SETTING_PERSON, o.as, "--as", &err);
    if (status == ST_OK)
        status = o.poor ? review_poor(&project, &o, &err)
                        : review_project(&project, o.as, o.scene, o.second_look, o.script, &err);
    project_close(&project);
    return status == ST_OK ? EXIT_OK : fail(&err);
}
