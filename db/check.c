#include "config.h"

#include <string.h>

#include "db/check.h"
#include "db/handle.h"

struct question {
    const char *sql;      // every row is a finding: one text
    const char *sentence; // %s is the row's text
};

static const struct question questions[] = {
    {"SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'", "database: %s"},
    {"SELECT \"table\" || ' row ' || coalesce(rowid, '?') FROM pragma_foreign_key_check", "%s refers to nothing"},
    {"SELECT 'picture ' || v.picture FROM verdict v WHERE v.event IS NOT (SELECT id FROM standing s"
     " WHERE s.picture = v.picture AND s.source = v.source ORDER BY " LEAD_FIRST("role") ", id DESC LIMIT 1)"
     " OR v.verdict IS NOT (SELECT verdict FROM label_event e WHERE e.id = v.event)",
     "%s: its verdict is not what its events say"},
    {"SELECT DISTINCT 'picture ' || s.picture FROM standing s WHERE NOT EXISTS(SELECT 1 FROM verdict v"
     " WHERE v.picture = s.picture AND v.source = s.source)",
     "%s: its events give a verdict that is missing"},
    {"SELECT name FROM scene c WHERE pictures <> (SELECT count(*) FROM picture p WHERE p.scene = c.id)"
     " OR unreadable <> (SELECT count(*) FROM picture p WHERE p.scene = c.id AND p.unreadable IS NOT NULL)",
     "scene %s: its number of pictures is wrong"},
    {"SELECT c.name FROM scene c LEFT JOIN (SELECT p.scene, sum(v.source = 0 AND v.verdict = 1) AS normals,"
     " sum(v.source = 0 AND v.verdict = 2) AS defects, sum(v.source = 0 AND v.verdict = 3) AS unsure,"
     " sum(v.source = 1) AS truths FROM verdict v JOIN picture p ON p.id = v.picture GROUP BY p.scene) n ON n.scene = c.id"
     " WHERE c.normals <> coalesce(n.normals, 0) OR c.defects <> coalesce(n.defects, 0)"
     " OR c.unsure <> coalesce(n.unsure, 0) OR c.truths <> coalesce(n.truths, 0)",
     "scene %s: its number of answers is wrong"},
    {"SELECT name FROM scene c WHERE poor <> (SELECT count(*) FROM poor p WHERE p.scene = c.id AND p.state <> 1)"
     " OR poor_open <> (SELECT count(*) FROM poor p WHERE p.scene = c.id AND p.state = 0)",
     "scene %s: its number of poor pictures is wrong"},
    {"SELECT name FROM scene c WHERE open <> (SELECT count(*) FROM queue q WHERE q.scene = c.id)",
     "scene %s: its number of open pictures is wrong"},
    {"WITH open AS (SELECT s.picture, c.id AS scene, s.score FROM scene c JOIN score s ON s.revision = c.active_revision"
     " AND s.flagged = 1 WHERE NOT EXISTS(SELECT 1 FROM verdict v WHERE v.picture = s.picture AND v.source = 0))"
     " SELECT 'picture ' || picture FROM (SELECT picture, scene, score FROM open EXCEPT SELECT picture, scene, score FROM queue)"
     " UNION SELECT 'picture ' || picture FROM"
     " (SELECT picture, scene, score FROM queue EXCEPT SELECT picture, scene, score FROM open)",
     "%s: the queue does not fit its score and verdict"},
    {"SELECT number FROM revision r WHERE NOT EXISTS(SELECT 1 FROM pruned g WHERE g.revision = r.id) AND (screened <> (SELECT count(*) FROM score s WHERE s.revision = r.id)"
     " OR flagged <> (SELECT count(*) FROM score s WHERE s.revision = r.id AND s.flagged = 1))",
     "revision %s: its counts do not fit its scores"},
    {"SELECT id FROM audit_draw d WHERE stratum <> 'slipped' AND (place IS NULL OR remaining < 1 OR least <= 0"
     " OR probability < least OR probability > 1 OR least * remaining > 1.000001"
     " OR (stratum = 'uniform' AND abs(probability * remaining - 1) > 0.000001)"
     " OR NOT EXISTS(SELECT 1 FROM audit a JOIN score s ON s.revision = a.revision AND s.picture = d.picture AND s.flagged = 0"
     " WHERE a.id = d.audit))",
     "audit draw %s: its probability does not fit what it was drawn from"},
    {"SELECT audit FROM audit_draw WHERE place IS NOT NULL GROUP BY audit HAVING max(place) + 1 <> count(*)"
     " OR 2 * sum(stratum = 'uniform') < count(*)",
     "audit %s: draws are missing, or fewer than half of them are uniform"},
    {"SELECT a.id FROM audit a LEFT JOIN audit b ON b.id = a.previous JOIN revision r ON r.id = a.revision"
     " WHERE r.scene <> a.scene OR (a.previous IS NOT NULL AND (b.scene <> a.scene OR b.id >= a.id))",
     "audit %s: does not belong to its revision or to the audit before"},
    {"SELECT name FROM scene c JOIN revision r ON r.id = c.active_revision WHERE r.finished = 0 OR r.scene <> c.id",
     "scene %s: its active revision is not a finished one of its own"},
};

enum status db_check(struct db *db, void (*finding)(void *context, const char *sentence), void *context,
                     struct error *err)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        sqlite3_stmt *stmt = NULL;
        int code = sqlite3_prepare_v2(db->sqlite, questions[i].sql, -1, &stmt, NULL);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
            code = sqlite3_step(stmt);
            if (code != SQLITE_ROW)
                break;
            const char *mark = strstr(questions[i].sentence, "%s");
            struct error text;
            error_set(&text, ST_CORRUPT, "%.*s%s%s", (int)(mark - questions[i].sentence), questions[i].sentence,
                      column_text(stmt, 0), mark + 2);
            finding(context, text.text);
        }
        enum status status = code == SQLITE_DONE ? ST_OK : db_failed(db, "checking", err);
        sqlite3_finalize(stmt);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}
