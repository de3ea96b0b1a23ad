#include "config.h"

#include <langinfo.h>
#include <libgen.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/intl.h"

#ifdef ENABLE_NLS
static char *beside_program(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    char *built = xasprintf("%s/po", dirname(path));
    if (access(built, R_OK) == 0)
        return built;
    free(built);
    return NULL;
}

static void find_catalogues(void)
{
    const char *given = getenv("ASSAY_LOCALEDIR");
    char *built = given && given[0] ? NULL : beside_program();
    bindtextdomain(PACKAGE, given && given[0] ? given : built ? built : LOCALEDIR);
    bind_textdomain_codeset(PACKAGE, "UTF-8");
    textdomain(PACKAGE);
    free(built);
}
#endif

void intl_begin(void)
{
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_MESSAGES, "C");
#ifdef ENABLE_NLS
    find_catalogues();
#endif
}

bool intl_chinese(void)
{
    const char *locale = setlocale(LC_MESSAGES, NULL), *language = getenv("LANGUAGE");
    if (!locale || strcmp(locale, "C") == 0)
        return false;
    return strncmp(language && language[0] ? language : locale, "zh", 2) == 0;
}

void intl_english(void)
{
    setlocale(LC_MESSAGES, "C");
}
