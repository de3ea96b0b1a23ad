#include "config.h"

#include "db/acquire_sql.h"
#include "db/handle.h"
#include "db/project.h"

// Version 1. What a person said lives in label_event alone; `verdict` is what
// stands, kept by the trigger and by nothing else.
static const char version_1[] =
    "CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE scene(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " size INTEGER NOT NULL, squash INTEGER NOT NULL, roi_x0 REAL NOT NULL, roi_y0 REAL NOT NULL,"
    " roi_x1 REAL NOT NULL, roi_y1 REAL NOT NULL, tile INTEGER NOT NULL, overlap REAL NOT NULL,"
    " ignore_sha256 TEXT NOT NULL DEFAULT '', ignore_path TEXT NOT NULL DEFAULT '',"
    " active_revision INTEGER REFERENCES revision(id),"
    " pictures INTEGER NOT NULL DEFAULT 0, unreadable INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE picture(id INTEGER PRIMARY KEY, scene INTEGER NOT NULL REFERENCES scene(id),"
    " sha256 TEXT UNIQUE, bytes INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
    " channels INTEGER NOT NULL, format TEXT NOT NULL, unreadable TEXT, grp TEXT NOT NULL,"
    " grp_given INTEGER NOT NULL DEFAULT 0, object TEXT, position TEXT, camera TEXT, taken TEXT,"
    " phash BLOB, kept TEXT NOT NULL DEFAULT '', added_ms INTEGER NOT NULL);"
    "CREATE INDEX picture_scene ON picture(scene, id);"
    "CREATE INDEX picture_group ON picture(grp);"
    "CREATE TABLE location(id INTEGER PRIMARY KEY, picture INTEGER NOT NULL REFERENCES picture(id),"
    " path TEXT NOT NULL UNIQUE, name TEXT NOT NULL, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);"
    "CREATE INDEX location_picture ON location(picture);"
    "CREATE INDEX location_name ON location(name);"
    "CREATE TRIGGER picture_count_new AFTER INSERT ON picture BEGIN"
    " UPDATE scene SET pictures = pictures + 1, unreadable = unreadable + (NEW.unreadable IS NOT NULL)"
    " WHERE id = NEW.scene; END;"
    "CREATE TRIGGER picture_count_change AFTER UPDATE OF unreadable ON picture BEGIN"
    " UPDATE scene SET unreadable = unreadable + (NEW.unreadable IS NOT NULL) - (OLD.unreadable IS NOT NULL)"
    " WHERE id = NEW.scene; END;"
    "CREATE TABLE revision(id INTEGER PRIMARY KEY, scene INTEGER NOT NULL REFERENCES scene(id),"
    " number INTEGER NOT NULL, finished INTEGER NOT NULL DEFAULT 0, base_sha256 TEXT NOT NULL,"
    " model_sha256 TEXT NOT NULL, patch_sha256 TEXT NOT NULL, threshold REAL NOT NULL, flag_rate REAL NOT NULL,"
    " screened INTEGER NOT NULL DEFAULT 0, flagged INTEGER NOT NULL DEFAULT 0, believed INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, UNIQUE(scene, number));"
    "CREATE TABLE score(revision INTEGER NOT NULL REFERENCES revision(id), picture INTEGER NOT NULL REFERENCES picture(id),"
    " score REAL NOT NULL, whole REAL NOT NULL, patch REAL NOT NULL, tile REAL NOT NULL, flagged INTEGER NOT NULL,"
    " heat_rows INTEGER, heat_cols INTEGER, heat BLOB, x0 REAL, y0 REAL, x1 REAL, y1 REAL,"
    " PRIMARY KEY(revision, picture)) WITHOUT ROWID;"
    "CREATE INDEX score_flagged ON score(revision, score DESC, picture) WHERE flagged = 1;"
    "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE class(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, severity TEXT NOT NULL,"
    " uses INTEGER NOT NULL DEFAULT 0, used_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE label_event(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind TEXT NOT NULL CHECK(kind IN ('answer', 'skip', 'undo', 'redo', 'truth')),"
    " ref INTEGER REFERENCES label_event(id), at_ms INTEGER NOT NULL, person INTEGER NOT NULL REFERENCES person(id),"
    " role TEXT NOT NULL, picture INTEGER NOT NULL REFERENCES picture(id), source INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL, class TEXT NOT NULL, severity TEXT NOT NULL, regions TEXT NOT NULL, note TEXT NOT NULL,"
    " took_ms INTEGER NOT NULL, revision INTEGER REFERENCES revision(id), score REAL, mask TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX event_picture ON label_event(picture, source, id);"
    "CREATE INDEX event_person ON label_event(person, id);"
    "CREATE UNIQUE INDEX event_ref ON label_event(ref) WHERE ref IS NOT NULL;"
    "CREATE TRIGGER event_no_update BEFORE UPDATE ON label_event BEGIN"
    " SELECT RAISE(ABORT, 'what a person said is never changed'); END;"
    "CREATE TRIGGER event_no_delete BEFORE DELETE ON label_event BEGIN"
    " SELECT RAISE(ABORT, 'what a person said is never deleted'); END;"
    "CREATE TABLE verdict(picture INTEGER NOT NULL REFERENCES picture(id), source INTEGER NOT NULL,"
    " event INTEGER NOT NULL REFERENCES label_event(id), verdict INTEGER NOT NULL,"
    " PRIMARY KEY(picture, source)) WITHOUT ROWID;"
    "CREATE VIEW standing AS SELECT e.* FROM label_event e"
    " WHERE e.kind IN ('answer', 'redo', 'truth') AND e.verdict <> 4"
    " AND NOT EXISTS(SELECT 1 FROM label_event u WHERE u.ref = e.id AND u.kind = 'undo');"
    "CREATE TRIGGER event_verdict AFTER INSERT ON label_event BEGIN"
    " DELETE FROM verdict WHERE picture = NEW.picture AND source = NEW.source;"
    " INSERT INTO verdict(picture, source, event, verdict)"
    "  SELECT picture, source, id, verdict FROM standing WHERE picture = NEW.picture AND source = NEW.source"
    "  ORDER BY id DESC LIMIT 1;"
    " END;"
    "CREATE TABLE lease(picture INTEGER PRIMARY KEY REFERENCES picture(id), session TEXT NOT NULL,"
    " person INTEGER NOT NULL REFERENCES person(id), expires_ms INTEGER NOT NULL);"
    "CREATE INDEX lease_session ON lease(session);";

// Version 2. The queue is a table of its own, so that what is shown next, its
// place and all counts cost the same however many pictures there are. `queue`
// holds the flagged pictures of each scene's active revision without a review
// verdict; it and the counters are kept by these triggers and by nothing else.
#define COUNT_VERDICT(row, sign)                                                                        \
    " UPDATE scene SET normals = normals " sign " (" row ".source = 0 AND " row ".verdict = 1),"          \
    " defects = defects " sign " (" row ".source = 0 AND " row ".verdict = 2),"                           \
    " unsure = unsure " sign " (" row ".source = 0 AND " row ".verdict = 3),"                             \
    " truths = truths " sign " (" row ".source = 1)"                                                      \
    " WHERE id = (SELECT scene FROM picture WHERE id = " row ".picture);"

#define FILL_QUEUE(revision)                                                                            \
    " INSERT INTO queue(picture, scene, score) SELECT s.picture, r.scene, s.score FROM revision r"        \
    " JOIN score s ON s.revision = r.id AND s.flagged = 1 WHERE r.id " revision                           \
    " AND NOT EXISTS(SELECT 1 FROM verdict v WHERE v.picture = s.picture AND v.source = 0);"

static const char version_2[] =
    "CREATE TABLE queue(picture INTEGER PRIMARY KEY REFERENCES picture(id),"
    " scene INTEGER NOT NULL REFERENCES scene(id), score REAL NOT NULL);"
    "CREATE INDEX queue_scene ON queue(scene, score DESC, picture);"
    "CREATE INDEX queue_all ON queue(score DESC, picture);"
    "CREATE INDEX picture_unreadable ON picture(scene, id) WHERE unreadable IS NOT NULL;"
    "ALTER TABLE scene ADD COLUMN open INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scene ADD COLUMN normals INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scene ADD COLUMN defects INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scene ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE scene ADD COLUMN truths INTEGER NOT NULL DEFAULT 0;"
    "CREATE TRIGGER queue_new AFTER INSERT ON queue BEGIN"
    " UPDATE scene SET open = open + 1 WHERE id = NEW.scene; END;"
    "CREATE TRIGGER queue_gone AFTER DELETE ON queue BEGIN"
    " UPDATE scene SET open = open - 1 WHERE id = OLD.scene; END;"
    "CREATE TRIGGER verdict_new AFTER INSERT ON verdict BEGIN" COUNT_VERDICT("NEW", "+")
    " DELETE FROM queue WHERE picture = NEW.picture AND NEW.source = 0; END;"
    "CREATE TRIGGER verdict_gone AFTER DELETE ON verdict BEGIN" COUNT_VERDICT("OLD", "-")
    " INSERT INTO queue(picture, scene, score) SELECT p.id, p.scene, s.score FROM picture p JOIN scene c ON c.id = p.scene"
    "  JOIN score s ON s.revision = c.active_revision AND s.picture = p.id AND s.flagged = 1"
    "  WHERE p.id = OLD.picture AND OLD.source = 0 ON CONFLICT DO NOTHING;"
    " END;"
    "CREATE TRIGGER scene_activate AFTER UPDATE OF active_revision ON scene BEGIN"
    " DELETE FROM queue WHERE scene = NEW.id;" FILL_QUEUE("= NEW.active_revision") " END;"
    FILL_QUEUE("IN (SELECT active_revision FROM scene)")
    "UPDATE scene SET"
    " normals = (SELECT count(*) FROM verdict v JOIN picture p ON p.id = v.picture"
    "  WHERE p.scene = scene.id AND v.source = 0 AND v.verdict = 1),"
    " defects = (SELECT count(*) FROM verdict v JOIN picture p ON p.id = v.picture"
    "  WHERE p.scene = scene.id AND v.source = 0 AND v.verdict = 2),"
    " unsure = (SELECT count(*) FROM verdict v JOIN picture p ON p.id = v.picture"
    "  WHERE p.scene = scene.id AND v.source = 0 AND v.verdict = 3),"
    " truths = (SELECT count(*) FROM verdict v JOIN picture p ON p.id = v.picture"
    "  WHERE p.scene = scene.id AND v.source = 1);";

// Version 3, one piece per concern.
// `rule`, `reason`, `goals`: where the threshold came from (screen/threshold.h); goals is a JSON array.
#define REVISION_3                                                                                           \
    "ALTER TABLE revision ADD COLUMN rule TEXT NOT NULL DEFAULT 'filter-rate';"                              \
    "ALTER TABLE revision ADD COLUMN reason TEXT NOT NULL DEFAULT '';"                                       \
    "ALTER TABLE revision ADD COLUMN goals TEXT NOT NULL DEFAULT '[]';"                                      \
    "CREATE INDEX verdict_kind ON verdict(source, verdict, picture);"                                        \
    "ALTER TABLE score ADD COLUMN learned REAL NOT NULL DEFAULT 0;"                                          \
    "ALTER TABLE score ADD COLUMN known REAL NOT NULL DEFAULT 0;"                                            \
    "ALTER TABLE score ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;"
// Audits (db/audit.c): what was drawn from a scene's filtered pictures, with which probability. Answers are label events
// with source 3. `last_picture`, `last_event` and audit_late say for ever which pictures an audit was about: those that
// its revision had filtered, and nothing was known of, when it began.
#define AUDIT_KEEP(table)                                                                               \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table " BEGIN"                               \
    " SELECT RAISE(ABORT, 'what an audit drew is never changed'); END;"                                   \
    "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table " BEGIN"                               \
    " SELECT RAISE(ABORT, 'what an audit drew is never deleted'); END;"
#define AUDIT_3                                                                                         \
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, scene INTEGER NOT NULL REFERENCES scene(id),"             \
    " revision INTEGER NOT NULL REFERENCES revision(id), previous INTEGER REFERENCES audit(id),"          \
    " previous_used INTEGER NOT NULL, fixed INTEGER NOT NULL, bound REAL NOT NULL, confidence REAL NOT NULL,"          \
    " seed INTEGER NOT NULL, last_picture INTEGER NOT NULL, last_event INTEGER NOT NULL, at_ms INTEGER NOT NULL);"     \
    "CREATE INDEX audit_revision ON audit(revision);"                                                     \
    "CREATE INDEX audit_scene ON audit(scene, id);"                                                       \
    "CREATE TABLE audit_size(audit INTEGER PRIMARY KEY REFERENCES audit(id), size INTEGER NOT NULL,"      \
    " fresh INTEGER NOT NULL);"                                                                           \
    "CREATE TABLE audit_stop(audit INTEGER PRIMARY KEY REFERENCES audit(id), at_ms INTEGER NOT NULL);"    \
    "CREATE TABLE audit_late(audit INTEGER NOT NULL REFERENCES audit(id),"                                \
    " picture INTEGER NOT NULL REFERENCES picture(id), PRIMARY KEY(audit, picture)) WITHOUT ROWID;"       \
    "CREATE TABLE audit_draw(id INTEGER PRIMARY KEY, audit INTEGER NOT NULL REFERENCES audit(id),"        \
    " place INTEGER, turn INTEGER NOT NULL, picture INTEGER NOT NULL REFERENCES picture(id),"             \
    " stratum TEXT NOT NULL CHECK(stratum IN ('uniform', 'weighted', 'slipped')), whole INTEGER NOT NULL,"             \
    " remaining INTEGER NOT NULL, probability REAL NOT NULL, least REAL NOT NULL, at_ms INTEGER NOT NULL,"             \
    " UNIQUE(audit, picture), UNIQUE(audit, turn), UNIQUE(audit, place));"                                \
    "CREATE INDEX audit_draw_picture ON audit_draw(picture);"                                             \
    AUDIT_KEEP("audit") AUDIT_KEEP("audit_size") AUDIT_KEEP("audit_stop") AUDIT_KEEP("audit_draw")        \
    "CREATE TRIGGER score_late AFTER INSERT ON score"                                                     \
    " WHEN EXISTS(SELECT 1 FROM audit a WHERE a.revision = NEW.revision AND a.last_picture >= NEW.picture) BEGIN"      \
    " INSERT OR IGNORE INTO audit_late(audit, picture) SELECT a.id, NEW.picture FROM audit a"             \
    "  WHERE a.revision = NEW.revision AND a.last_picture >= NEW.picture; END;"                           \
    "CREATE VIEW audit_running AS SELECT a.* FROM scene c JOIN audit a ON a.scene = c.id AND a.revision = c.active_revision" \
    " JOIN audit_size z ON z.audit = a.id WHERE NOT EXISTS(SELECT 1 FROM audit_stop t WHERE t.audit = a.id);"          \
    "CREATE VIEW audit_open AS SELECT d.*, a.scene FROM audit_running a JOIN audit_draw d ON d.audit = a.id"           \
    " WHERE NOT EXISTS(SELECT 1 FROM verdict v WHERE v.picture = d.picture AND v.source = 3);"            \
    "CREATE VIEW audit_found AS SELECT v.* FROM verdict v WHERE v.source = 3"                             \
    " AND EXISTS(SELECT 1 FROM audit_draw d WHERE d.picture = v.picture AND d.stratum <> 'slipped');"
// Poor pictures: what was measured, what is usual, what was set aside and what a person said about that (events with
// source 2: verdict 5 poor, 6 fine). `poor` and its counters are kept by these triggers and by db/quality.c.
// Live scores: the queue also takes what is scored after a revision became active. Drift: the state between two
// pictures, what was found, and which scores were compensated.
#define POOR_STATE(row)                                                                                 \
    " UPDATE poor SET state = CASE (SELECT verdict FROM verdict v WHERE v.picture = " row ".picture AND v.source = 2)" \
    " WHEN 6 THEN 1 WHEN 5 THEN 2 ELSE 3 * EXISTS(SELECT 1 FROM verdict v WHERE v.picture = " row ".picture"           \
    " AND v.source = 0) END WHERE picture = " row ".picture;"
#define POOR_COUNT(row, sign)                                                                           \
    " UPDATE scene SET poor = poor " sign " (" row ".state <> 1), poor_open = poor_open " sign " (" row ".state = 0)"  \
    " WHERE id = " row ".scene;"
#define POOR_FILE                                                                                       \
    " INSERT OR IGNORE INTO poor(picture, scene, kind, why, at_ms) SELECT id, scene, 'damaged file', unreadable, added_ms" \
    " FROM picture WHERE unreadable IS NOT NULL AND (format <> 'unknown' OR bytes = 0)"
#define LIVE_3                                                                                          \
    "CREATE TABLE quality(picture INTEGER PRIMARY KEY REFERENCES picture(id), level REAL NOT NULL,"       \
    " spread REAL NOT NULL, dark REAL NOT NULL, bright REAL NOT NULL, sharp REAL NOT NULL, flat REAL NOT NULL,"        \
    " torn REAL NOT NULL);"                                                                             \
    "CREATE TABLE quality_range(scene INTEGER NOT NULL REFERENCES scene(id), measure TEXT NOT NULL,"      \
    " count INTEGER NOT NULL, low REAL NOT NULL, middle REAL NOT NULL, high REAL NOT NULL,"               \
    " PRIMARY KEY(scene, measure)) WITHOUT ROWID;"                                                      \
    "CREATE TABLE poor(picture INTEGER PRIMARY KEY REFERENCES picture(id), scene INTEGER NOT NULL REFERENCES scene(id)," \
    " kind TEXT NOT NULL, why TEXT NOT NULL, at_ms INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0);"  \
    "CREATE INDEX poor_scene ON poor(scene, state, picture);"                                           \
    "ALTER TABLE scene ADD COLUMN poor INTEGER NOT NULL DEFAULT 0;"                                     \
    "ALTER TABLE scene ADD COLUMN poor_open INTEGER NOT NULL DEFAULT 0;"                                \
    "CREATE TRIGGER poor_new AFTER INSERT ON poor BEGIN" POOR_COUNT("NEW", "+") " END;"                 \
    "CREATE TRIGGER poor_gone AFTER DELETE ON poor BEGIN" POOR_COUNT("OLD", "-") " END;"                \
    "CREATE TRIGGER poor_change AFTER UPDATE OF state ON poor BEGIN" POOR_COUNT("OLD", "-")             \
        POOR_COUNT("NEW", "+") " END;"                                                                  \
    "CREATE TRIGGER poor_said AFTER INSERT ON verdict BEGIN" POOR_STATE("NEW") " END;"                  \
    "CREATE TRIGGER poor_unsaid AFTER DELETE ON verdict BEGIN" POOR_STATE("OLD") " END;"                \
    "CREATE TRIGGER poor_file AFTER INSERT ON picture WHEN NEW.unreadable IS NOT NULL BEGIN"            \
    POOR_FILE " AND id = NEW.id; END;"                                                                  \
    "CREATE TRIGGER poor_file_change AFTER UPDATE OF unreadable ON picture BEGIN"                       \
    " DELETE FROM poor WHERE picture = NEW.id AND NEW.unreadable IS NULL AND kind = 'damaged file';"      \
    POOR_FILE " AND id = NEW.id; END;"                                                                  \
    POOR_FILE ";"                                                                                       \
    "CREATE TRIGGER score_live AFTER INSERT ON score WHEN NEW.flagged = 1 BEGIN"                        \
    " INSERT INTO queue(picture, scene, score) SELECT NEW.picture, c.id, NEW.score FROM revision r"       \
    "  JOIN scene c ON c.active_revision = r.id WHERE r.id = NEW.revision"                              \
    "  AND NOT EXISTS(SELECT 1 FROM verdict v WHERE v.picture = NEW.picture AND v.source = 0)"          \
    "  AND NOT EXISTS(SELECT 1 FROM queue q WHERE q.picture = NEW.picture); END;"                       \
    "CREATE TABLE live(scene INTEGER PRIMARY KEY REFERENCES scene(id), revision INTEGER NOT NULL REFERENCES revision(id)," \
    " state TEXT NOT NULL);"                                                                            \
    "CREATE TABLE live_shift(revision INTEGER NOT NULL REFERENCES revision(id),"                          \
    " picture INTEGER NOT NULL REFERENCES picture(id), raw REAL NOT NULL, shift REAL NOT NULL,"           \
    " PRIMARY KEY(revision, picture)) WITHOUT ROWID;"                                                   \
    "CREATE TABLE drift(id INTEGER PRIMARY KEY, scene INTEGER NOT NULL REFERENCES scene(id),"             \
    " revision INTEGER NOT NULL REFERENCES revision(id), at_ms INTEGER NOT NULL,"                         \
    " since INTEGER NOT NULL REFERENCES picture(id), picture INTEGER NOT NULL REFERENCES picture(id),"    \
    " count INTEGER NOT NULL, before REAL NOT NULL, after REAL NOT NULL, level_before REAL, level_after REAL,"         \
    " sharp_before REAL, sharp_after REAL);"                                                            \
    "CREATE INDEX drift_scene ON drift(scene, id);"
// Classes: a code to type, a tree, names that led to others; class_event: who changed what.
// Answers given together have one `batch` (the number of its first event) and are taken back together.
#define CLASS_3                                                                                         \
    "ALTER TABLE label_event ADD COLUMN batch INTEGER;"                                                 \
    "CREATE INDEX event_batch ON label_event(batch) WHERE batch IS NOT NULL;"                           \
    "CREATE TABLE filter(name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"                     \
    "ALTER TABLE class ADD COLUMN code TEXT NOT NULL DEFAULT '';"                                       \
    "ALTER TABLE class ADD COLUMN parent INTEGER;"                                                      \
    "ALTER TABLE class ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;"                                  \
    "CREATE TABLE class_alias(name TEXT PRIMARY KEY, class INTEGER NOT NULL REFERENCES class(id)) WITHOUT ROWID;"       \
    "CREATE INDEX class_alias_class ON class_alias(class);"                                             \
    "CREATE TABLE class_event(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, person INTEGER NOT NULL REFERENCES person(id)," \
    " class INTEGER NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);"
// Rounds of training, the one worker of the project, the registry of what was trained, and which revision followed which
// as a scene's active one (kept by the trigger; who and why are filled in by db/model.c).
#define ROUND_3                                                                                         \
    "ALTER TABLE revision ADD COLUMN learned_sha256 TEXT NOT NULL DEFAULT '';"                            \
    "CREATE TABLE round(id INTEGER PRIMARY KEY AUTOINCREMENT, scene INTEGER REFERENCES scene(id),"        \
    " state INTEGER NOT NULL DEFAULT 0, wish INTEGER NOT NULL DEFAULT 0, stage TEXT NOT NULL DEFAULT '',"  \
    " options TEXT NOT NULL, answers INTEGER NOT NULL, step INTEGER NOT NULL DEFAULT 0,"                  \
    " steps INTEGER NOT NULL DEFAULT 0, loss REAL NOT NULL DEFAULT 0, rate REAL NOT NULL DEFAULT 0,"      \
    " left_s REAL NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL DEFAULT 0,"\
    " updated_ms INTEGER NOT NULL DEFAULT 0, ended_ms INTEGER NOT NULL DEFAULT 0,"                        \
    " model INTEGER REFERENCES model(id), sentence TEXT NOT NULL DEFAULT '');"                            \
    "CREATE INDEX round_open ON round(id) WHERE state < 3;"                                             \
    "CREATE INDEX round_scene ON round(scene, id);"                                                     \
    "CREATE TABLE worker(id INTEGER PRIMARY KEY CHECK(id = 1), pid INTEGER NOT NULL, started TEXT NOT NULL,"\
    " heartbeat_ms INTEGER NOT NULL);"                                                                  \
    "CREATE TABLE model(id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, scene INTEGER REFERENCES scene(id),"\
    " base_sha256 TEXT NOT NULL, parent TEXT NOT NULL, notes TEXT NOT NULL, data TEXT NOT NULL,"          \
    " created_ms INTEGER NOT NULL, revision INTEGER REFERENCES revision(id), state TEXT NOT NULL DEFAULT 'candidate',"   \
    " reason TEXT NOT NULL DEFAULT '', metrics TEXT NOT NULL DEFAULT '{}', decided_ms INTEGER NOT NULL DEFAULT 0);"      \
    "CREATE UNIQUE INDEX model_sha256 ON model(sha256, coalesce(scene, 0));"                            \
    "CREATE TABLE model_picture(model INTEGER NOT NULL REFERENCES model(id),"                             \
    " picture INTEGER NOT NULL REFERENCES picture(id), PRIMARY KEY(model, picture)) WITHOUT ROWID;"       \
    "CREATE TABLE strategy(id INTEGER PRIMARY KEY, scene INTEGER REFERENCES scene(id), name TEXT NOT NULL,"              \
    " model INTEGER UNIQUE REFERENCES model(id), count REAL NOT NULL, reward REAL NOT NULL, at_ms INTEGER NOT NULL);"     \
    "CREATE TABLE activation(id INTEGER PRIMARY KEY, scene INTEGER NOT NULL REFERENCES scene(id),"        \
    " before INTEGER REFERENCES revision(id), after INTEGER NOT NULL REFERENCES revision(id), at_ms INTEGER NOT NULL,"   \
    " kind TEXT NOT NULL DEFAULT 'screen', who TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '');" \
    "CREATE INDEX activation_scene ON activation(scene, id);"                                           \
    "CREATE TRIGGER scene_activation AFTER UPDATE OF active_revision ON scene"                          \
    " WHEN NEW.active_revision IS NOT OLD.active_revision AND NEW.active_revision IS NOT NULL BEGIN"      \
    " INSERT INTO activation(scene, before, after, at_ms) VALUES(NEW.id, OLD.active_revision, NEW.active_revision,"      \
    " CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)); END;"
// Regions: label events of source 4 and verdict 7, each with all of its picture's regions after a change. `region_now`:
// what stands, drawn or else imported.
#define REGION_3                                                                                        \
    "CREATE TRIGGER region_event BEFORE INSERT ON label_event"                                          \
    " WHEN (NEW.source = 4) <> (NEW.verdict = 7) OR (NEW.source = 4 AND substr(NEW.regions, 1, 1) <> '[') BEGIN"            \
    " SELECT RAISE(ABORT, 'not an event of regions'); END;"                                             \
    "CREATE VIEW region_now AS SELECT v.picture, v.event, v.source, e.regions FROM verdict v"           \
    " JOIN label_event e ON e.id = v.event WHERE v.source = 4"                                          \
    " UNION ALL SELECT v.picture, v.event, v.source, e.regions FROM verdict v JOIN label_event e ON e.id = v.event"     \
    " WHERE v.source = 1 AND e.regions <> ''"                                                           \
    " AND NOT EXISTS(SELECT 1 FROM verdict d WHERE d.picture = v.picture AND d.source = 4);"
// The lead. What a lead says in the second review (role 'lead', source 0) is the picture's label whatever inspectors said
// before or say afterwards; without it the last one who answered counts. `disputed`: pictures that several people
// answered, a hint that is looked into where it is read. `hook`: commands that are due, one for each event.
#define KEEP(table)                                                                                     \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table " BEGIN"                               \
    " SELECT RAISE(ABORT, 'what a person said is never changed'); END;"                                   \
    "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table " BEGIN"                               \
    " SELECT RAISE(ABORT, 'what a person said is never deleted'); END;"
#define LEAD_3                                                                                          \
    "ALTER TABLE person ADD COLUMN role TEXT NOT NULL DEFAULT '';"                                      \
    "ALTER TABLE label_event ADD COLUMN blind INTEGER NOT NULL DEFAULT 0;"                              \
    "CREATE INDEX event_lead ON label_event(picture, id) WHERE role = 'lead';"                          \
    "CREATE INDEX event_time ON label_event(at_ms) WHERE kind <> 'truth';"                              \
    "DROP TRIGGER event_verdict;"                                                                       \
    "CREATE TRIGGER event_verdict AFTER INSERT ON label_event BEGIN"                                    \
    " DELETE FROM verdict WHERE picture = NEW.picture AND source = NEW.source;"                         \
    " INSERT INTO verdict(picture, source, event, verdict)"                                             \
    "  SELECT picture, source, id, verdict FROM standing WHERE picture = NEW.picture AND source = NEW.source"           \
    "  ORDER BY " LEAD_FIRST("role") ", id DESC LIMIT 1;"                                               \
    " INSERT OR IGNORE INTO disputed(picture) SELECT NEW.picture WHERE NEW.source = 0 AND NEW.kind IN ('answer', 'redo')" \
    "  AND EXISTS(SELECT 1 FROM label_event o WHERE o.picture = NEW.picture AND o.source = 0 AND o.person <> NEW.person" \
    "   AND o.kind IN ('answer', 'redo'));"                                                             \
    " END;"                                                                                             \
    "CREATE TABLE disputed(picture INTEGER PRIMARY KEY REFERENCES picture(id));"                        \
    "INSERT INTO disputed SELECT picture FROM label_event WHERE source = 0 AND kind IN ('answer', 'redo')"               \
    " GROUP BY picture HAVING count(DISTINCT person) > 1;"                                              \
    "CREATE TABLE comment(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, person INTEGER NOT NULL REFERENCES person(id),"  \
    " recipient INTEGER NOT NULL REFERENCES person(id), picture INTEGER NOT NULL REFERENCES picture(id), text TEXT NOT NULL);" \
    "CREATE INDEX comment_picture ON comment(picture);"                                                 \
    "CREATE INDEX comment_recipient ON comment(recipient, id);" KEEP("comment")                         \
    "CREATE TABLE comment_seen(comment INTEGER PRIMARY KEY REFERENCES comment(id), at_ms INTEGER NOT NULL);"             \
    "CREATE TABLE hook(event INTEGER PRIMARY KEY REFERENCES label_event(id), name TEXT NOT NULL, at_ms INTEGER NOT NULL," \
    " state INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0,"           \
    " told_ms INTEGER NOT NULL DEFAULT 0, sentence TEXT NOT NULL DEFAULT '');"                          \
    "CREATE INDEX hook_due ON hook(next_ms) WHERE state = 0;"                                           \
    "CREATE TABLE log(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL,"         \
    " scene TEXT NOT NULL, text TEXT NOT NULL);" KEEP("log")
// The loss of a round by step, for its curve: what a round that goes on repeats takes the place of what was there.
#define CURVE_3                                                                                         \
    "CREATE TABLE round_point(round INTEGER NOT NULL REFERENCES round(id), step INTEGER NOT NULL, loss REAL NOT NULL,"   \
    " PRIMARY KEY(round, step)) WITHOUT ROWID;"                                                         \
    "CREATE TRIGGER round_curve AFTER UPDATE OF step ON round WHEN NEW.stage = 'training' AND NEW.step > 0 BEGIN"        \
    " DELETE FROM round_point WHERE round = NEW.id AND step >= NEW.step;"                               \
    " INSERT INTO round_point(round, step, loss) VALUES(NEW.id, NEW.step, NEW.loss); END;"
// What is known of faults: on which component, by what cause, what is to be done, how severe; stated anew, the old one is
// kept as retired. The component that an answer named stands with it. Names of classes in Chinese.
#define RELATION_3                                                                                      \
    "ALTER TABLE class ADD COLUMN zh TEXT NOT NULL DEFAULT '';"                                         \
    "ALTER TABLE label_event ADD COLUMN component TEXT NOT NULL DEFAULT '';"                            \
    "CREATE TABLE relation(id INTEGER PRIMARY KEY, component TEXT NOT NULL, fault TEXT NOT NULL, cause TEXT NOT NULL,"     \
    " action TEXT NOT NULL, severity TEXT NOT NULL, at_ms INTEGER NOT NULL, person INTEGER NOT NULL REFERENCES person(id)," \
    " retired_ms INTEGER NOT NULL DEFAULT 0);"                                                          \
    "CREATE UNIQUE INDEX relation_stands ON relation(component, fault) WHERE retired_ms = 0;"
// What stands, in the order of the answers and of the pictures, without what was imported (db/find.c). With its last
// column the index of the flagged ones answers alone, without the rows of scores and their heatmaps.
#define FIND_3                                                                                          \
    "CREATE INDEX verdict_event ON verdict(event) WHERE source = 0;"                                    \
    "CREATE INDEX verdict_review ON verdict(picture) WHERE source = 0;"                                 \
    "DROP INDEX score_flagged;"                                                                         \
    "CREATE INDEX score_flagged ON score(revision, score DESC, picture, flagged) WHERE flagged = 1;"
// Changes of classes taken back and given again: `kind` is 'change', 'undo', 'redo' or 'kept' (it was to be taken back, and
// stays), `ref` the event that this is about, `root` the change, `after_event` the newest label event then. What each
// change made different, before and after it.
#define CLASS_BACK_3                                                                                    \
    "ALTER TABLE class_event ADD COLUMN kind TEXT NOT NULL DEFAULT 'change';"                           \
    "ALTER TABLE class_event ADD COLUMN ref INTEGER;"                                                   \
    "ALTER TABLE class_event ADD COLUMN root INTEGER;"                                                  \
    "ALTER TABLE class_event ADD COLUMN after_event INTEGER NOT NULL DEFAULT 0;"                        \
    "CREATE INDEX class_event_person ON class_event(person, id);"                                       \
    "CREATE UNIQUE INDEX class_event_ref ON class_event(ref) WHERE ref IS NOT NULL;" KEEP("class_event")  \
    "CREATE TABLE class_state(event INTEGER NOT NULL REFERENCES class_event(id), after INTEGER NOT NULL, class INTEGER NOT NULL,"  \
    " name TEXT NOT NULL, severity TEXT NOT NULL, code TEXT NOT NULL, parent INTEGER, retired INTEGER NOT NULL, zh TEXT NOT NULL," \
    " uses INTEGER NOT NULL, used_ms INTEGER NOT NULL, PRIMARY KEY(event, after, class)) WITHOUT ROWID;"  \
    "CREATE INDEX class_state_class ON class_state(class);"                                             \
    "CREATE TABLE alias_state(event INTEGER NOT NULL REFERENCES class_event(id), after INTEGER NOT NULL, name TEXT NOT NULL,"      \
    " class INTEGER NOT NULL, PRIMARY KEY(event, after, name)) WITHOUT ROWID;"
// Who took a relation away (0: it was stated anew), and whether a template stated it: until version 4.
#define RELATION_LOG_3                                                                                  \
    "ALTER TABLE relation ADD COLUMN retired_by INTEGER NOT NULL DEFAULT 0;"                            \
    "ALTER TABLE relation ADD COLUMN template INTEGER NOT NULL DEFAULT 0;"
static const char version_3[] = REVISION_3 AUDIT_3 LIVE_3 CLASS_3 ROUND_3 ACQUIRE_3 REGION_3 LEAD_3 CURVE_3 RELATION_3 FIND_3
    CLASS_BACK_3 RELATION_LOG_3;

// Version 4. Which relations a change of classes, or of relations themselves, retired (0) and stated (1): taken back as the
// rest of it. Who stated and who took away is an event as those of classes are; what was so before is told, and stays.
static const char version_4[] =
    "CREATE TABLE relation_state(event INTEGER NOT NULL REFERENCES class_event(id), after INTEGER NOT NULL,"
    " relation INTEGER NOT NULL REFERENCES relation(id), PRIMARY KEY(event, after, relation)) WITHOUT ROWID;"
    "INSERT INTO class_event(at_ms, person, class, what, name, value) SELECT at_ms, person, 0, 'stated', fault, component"
    " FROM relation WHERE template = 0 ORDER BY at_ms, id;"
    "INSERT INTO class_event(at_ms, person, class, what, name, value) SELECT retired_ms, retired_by, 0, 'taken away', fault, component"
    " FROM relation WHERE retired_by <> 0 ORDER BY retired_ms, id;"
    "ALTER TABLE relation DROP COLUMN retired_by;"
    "ALTER TABLE relation DROP COLUMN template;";

// Version 5. What drawn defects teach is a detector of its own; before, it stood as the learned one until there was a trained
// model. `alone` counts detectors.
#define TAUGHT_5 "revision IN (SELECT id FROM revision WHERE learned_sha256 <> '')"
static const char version_5[] =
    "ALTER TABLE score ADD COLUMN drawn REAL NOT NULL DEFAULT 0;"
    "UPDATE score SET drawn = learned, learned = 0 WHERE learned <> 0 AND NOT " TAUGHT_5 ";"
    "UPDATE score SET alone = alone + 1 WHERE alone > 3 OR (alone = 3 AND " TAUGHT_5 ");";

// Version 6. Revisions whose scores are kept no longer (db_revision_prune).
static const char version_6[] =
    "CREATE TABLE pruned(revision INTEGER PRIMARY KEY REFERENCES revision(id), at_ms INTEGER NOT NULL);"
    "CREATE INDEX activation_after ON activation(after);";

static const char *const migrations[DB_VERSION] = {version_1, version_2, version_3, version_4, version_5, version_6};

static enum status pragma(struct db *db, const char *sql, long long *value, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        enum status status = db_failed(db, "opening", err);
        sqlite3_finalize(stmt);
        return status;
    }
    *value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return ST_OK;
}

static enum status step_to(struct db *db, int version, struct error *err)
{
    char *sql = sqlite3_mprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d;", migrations[version - 1],
                                DB_APPLICATION_ID, version);
    int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    if (code == SQLITE_ERROR) // what it builds on is not there, or what it makes is
        return error_set(err, ST_CORRUPT,
                         "%s: not a whole version %d of the database (%s): made by a program from between two versions; nothing was changed, "
                         "use that program with it",
                         db->path, version - 1, sqlite3_errmsg(db->sqlite));
    return code == SQLITE_OK ? ST_OK : db_failed(db, "bringing the database to this program's version", err);
}

enum status db_migrate(struct db *db, struct error *err)
{
    long long version, application, tables;
    enum status status = pragma(db, "PRAGMA user_version", &version, err);
    if (status == ST_OK)
        status = pragma(db, "PRAGMA application_id", &application, err);
    if (status == ST_OK)
        status = pragma(db, "SELECT count(*) FROM sqlite_master", &tables, err);
    if (status != ST_OK)
        return status;
    if (version < 0 || (tables > 0 && application != DB_APPLICATION_ID))
        return error_set(err, ST_CORRUPT, "%s: a database, but not one of assay's", db->path);
    if (version > DB_VERSION)
        return error_set(err, ST_NEWER, "%s: written by a newer assay (version %lld, this one knows %d); use that one",
                         db->path, version, DB_VERSION);
    while (version < DB_VERSION && status == ST_OK) {
        status = db_begin(db, err);
        if (status == ST_OK) // another process may have been first
            status = pragma(db, "PRAGMA user_version", &version, err);
        if (status == ST_OK && version < DB_VERSION)
            status = step_to(db, (int)++version, err);
        status = db_leave(db, db->in_transaction, status, err);
    }
    return status;
}
