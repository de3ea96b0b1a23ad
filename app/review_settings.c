// The settings for their view.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/hook.h"
#include "app/log_text.h"
#include "app/review_flow.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"

void flow_settings(void *context, const struct flow_setting **rows, size_t *count, const char **files)
{
    struct review_flow *f = context;
    const struct settings *s = f->project->settings;
    struct strbuf text = {0};
    texts_clear(&f->setting_texts);
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting_about *about = setting_about((enum setting)i);
        f->settings[i] = (struct flow_setting){
            .name = about->name,
            .value = texts_keep(&f->setting_texts, xstrdup(settings_text(s, (enum setting)i))),
            .origin = setting_origin_name(settings_origin(s, (enum setting)i)),
            .where = texts_keep(&f->setting_texts, xstrdup(settings_where(s, (enum setting)i))),
            .help = about->help,
            .environment = about->environment,
            .standard = about->standard,
            .choices = about->choices ? about->choices : "",
        };
    }
    strbuf_puts(&text, _("A later file counts more, then the environment, then options:"));
    for (int origin = SETTING_SYSTEM; origin <= SETTING_PROJECT; origin++) {
        const char *path = settings_file(s, (enum setting_origin)origin);
        if (path)
            strbuf_printf(&text, "\n%s%s%s", _(setting_origin_name((enum setting_origin)origin)), _(": "), path);
    }
    *files = texts_keep(&f->setting_texts, text.data);
    *rows = f->settings;
    *count = SETTINGS;
}

enum status flow_set(void *context, size_t index, const char *value, bool own, char **said, struct error *err)
{
    struct review_flow *f = context;
    enum setting setting = (enum setting)index;
    enum setting_origin file = own ? SETTING_USER : SETTING_PROJECT;
    const char *name = setting_about(setting)->name;
    if (index >= SETTINGS)
        return error_set(err, ST_INVALID, "there is no such setting");
    enum status status = settings_store(f->project->settings, setting, value, file, err);
    if (status != ST_OK)
        return status;
    const char *path = settings_file(f->project->settings, file);
    status = log_setting(f->project->db, f->person, setting, value, path, err);
    if (status == ST_OK && setting == SETTING_HOOK_STOP)
        status = hook_corrected(f->project, err);
    if (status != ST_OK)
        return status;
    if (!value)
        *said = xasprintf(_("%s is not said in %s any more; now %s."), name, path, settings_text(f->project->settings, setting));
    else if (strcmp(settings_text(f->project->settings, setting), value) != 0)
        *said = xasprintf(_("%s: written, but %s comes first and says %s."), name, settings_where(f->project->settings, setting),
                          settings_text(f->project->settings, setting));
    else
        *said = xasprintf(_("%s = %s, in %s."), name, value, path);
    return ST_OK;
}
