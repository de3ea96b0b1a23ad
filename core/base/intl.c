#include "config.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/intl.h"

#ifdef ENABLE_NLS
static void find_catalogues(void)
{
    const char *given = getenv("ASSAY_LOCALEDIR");
    char *built = given && given[0] ? NULL : file_beside_program("po");
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
