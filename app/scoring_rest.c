#include "config.h"

#include <stdlib.h>

#include "app/app.h"
#include "app/scoring.h"
#include "db/live.h"

enum { PAGE = 1000 };

enum status scoring_rest(struct project *project, const struct base *base, const struct scene *scene, int threads,
                         struct scoring_report *report, struct error *err)
{
    struct scoring *scoring = NULL;
    int64_t after = 0;
    size_t count = PAGE;
    enum status status = ST_OK;
    while (status == ST_OK && count == PAGE && scene->active_revision && !stop_asked(NULL)) {
        int64_t *ids;
        status = db_live_pending(project->db, scene->id, LIVE_KNOWN, after, PAGE, &ids, &count, err);
        if (status == ST_OK && count > 0 && !scoring)
            status = scoring_open(project, base, scene, threads, &scoring, err);
        if (status == ST_OK && count > 0)
            status = scoring_run(scoring, ids, count, report, err);
        after = count > 0 && ids ? ids[count - 1] : after;
        free(ids);
    }
    scoring_close(scoring);
    return status;
}
