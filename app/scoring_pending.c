#include "config.h"

#include <stdlib.h>

#include "app/app.h"
#include "app/scoring.h"
#include "base/parallel.h"

enum { PAGE = 1000 };

enum status scoring_pending(struct project *project, const struct scene *scene, enum live_pending which, int threads,
                            struct scoring_report *report, struct error *err)
{
    struct scoring *scoring = NULL;
    struct base *base = NULL;
    int64_t after = 0;
    size_t count = PAGE;
    enum status status = ST_OK;
    while (status == ST_OK && count == PAGE && scene->active_revision && !stop_asked(NULL)) {
        int64_t *ids;
        status = db_live_pending(project->db, scene->id, which, after, PAGE, &ids, &count, err);
        if (status == ST_OK && count > 0 && !base)
            status = project_base(project, &base, err);
        if (status == ST_OK && count > 0 && !scoring)
            status = scoring_open(project, base, scene, threads ? threads : parallel_cores(), &scoring, err);
        if (status == ST_OK && count > 0)
            status = scoring_run(scoring, ids, count, report, err);
        after = count > 0 ? ids[count - 1] : after;
        free(ids);
    }
    scoring_close(scoring);
    if (base)
        base_free(base);
    return status;
}
