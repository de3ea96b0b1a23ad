// A project in one file (archive.h), made while people work, and a project from such a file.
#ifndef APP_BACKUP_H
#define APP_BACKUP_H

#include "app/project.h"

struct backup_report {
    char *path;       // of the backup, or of the restored project
    size_t files, removed;
    uint64_t bytes;
};
void backup_report_clear(struct backup_report *report);

// Database, models, copies of pictures, settings. to: a file, or a folder, in which it is called PROJECT-TIME.assay.tar
// and of which the latest `keep` (0 all) of this project stay. What is at a file's place is replaced in one step if it
// is a backup, else ST_INVALID. with_pictures: the copies of labelled pictures too.
ASSAY_CHECKED enum status backup_make(struct project *project, const char *to, long keep, bool with_pictures,
                                      struct backup_report *report, struct error *err);
// Everything is verified before anything is written. dir: not there yet, or empty, else ST_INVALID; it appears in one
// step, when all is in it.
ASSAY_CHECKED enum status backup_restore(const char *file, const char *dir, struct backup_report *report, struct error *err);

#endif
