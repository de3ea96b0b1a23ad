// Templates of scenes: the classes of a trade with codes, severities and names in two languages, what is known of its
// faults, and the recalls to ask for. Files in ../assets/templates from the program (a build folder in
// its source), else in DATADIR/templates; ASSAY_DATADIR in the environment names another place.
#ifndef APP_TEMPLATE_H
#define APP_TEMPLATE_H

#include "app/project.h"
#include "db/class.h"
#include "db/label.h"
#include "db/relation.h"

struct template {
    char *name;                 // "rail-vehicle"
    char *title[2], *about[2];  // English, Chinese
    double recall[SEVERITIES];
    struct class_row *classes;  // (class_count) id, uses and parent are not set
    char **parents;             // (class_count) "" none, else the name of a class before it
    size_t class_count;
    struct relation_row *relations;
    size_t relation_count;
};

// which: a name, or a file (anything with a "/" or ".json"). Everything is checked; ST_INVALID with the file, the place
// and what is wrong.
ASSAY_CHECKED enum status template_load(const char *which, struct template *template, struct error *err);
void template_clear(struct template *template);
char *template_folder(void); // where those that are installed lie
// Names of those that are installed, sorted; caller frees each and the array.
ASSAY_CHECKED enum status template_names(char ***names, size_t *count, struct error *err);

// All that are installed as lines: name, title, what it is for, how many classes. Caller frees.
ASSAY_CHECKED enum status template_text(char **text, struct error *err);

struct template_report {
    size_t classes, relations; // new ones
};
// In one transaction: classes and relations that are not there yet, and the recalls of `scene` (0: of none). What people
// changed or stated stays.
ASSAY_CHECKED enum status template_apply(struct project *project, const struct template *template, int64_t scene,
                                         int64_t person, struct template_report *report, struct error *err);

// The recalls asked for a scene: by its template, or by an option of `assay screen` since; they stay until others are. 0 none;
// *all: of every severity known to occur that has none of its own.
ASSAY_CHECKED enum status template_recall(struct project *project, int64_t scene, double *all, double recall[SEVERITIES],
                                          struct error *err);
ASSAY_CHECKED enum status template_ask_recall(struct project *project, int64_t scene, double all, const double recall[SEVERITIES],
                                              struct error *err);

#endif
