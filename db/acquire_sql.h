// What is asked next and why, kept with the queue; the piece of version 3 (migrate.c) that db/acquire.c works on.
// Places: the larger the earlier. A picture that nothing has ordered yet has 1: by score, after the questions that were
// chosen, before the rest. What was asked and answered is noted by the trigger, so that an answer never waits for it.
#ifndef DB_ACQUIRE_SQL_H
#define DB_ACQUIRE_SQL_H

#define ACQUIRE_3                                                                                       \
    "ALTER TABLE queue ADD COLUMN place REAL NOT NULL DEFAULT 1;"                                         \
    "ALTER TABLE queue ADD COLUMN reason INTEGER NOT NULL DEFAULT 0;"                                     \
    "ALTER TABLE queue ADD COLUMN about INTEGER;"                                                         \
    "ALTER TABLE queue ADD COLUMN source INTEGER NOT NULL DEFAULT 0;"                                     \
    "ALTER TABLE queue ADD COLUMN expected REAL;"                                                         \
    "DROP INDEX queue_scene;"                                                                             \
    "DROP INDEX queue_all;"                                                                               \
    "CREATE INDEX queue_scene ON queue(scene, place DESC, score DESC, picture);"                          \
    "CREATE INDEX queue_all ON queue(place DESC, score DESC, picture);"                                   \
    "CREATE TABLE asked(event INTEGER PRIMARY KEY REFERENCES label_event(id),"                            \
    " scene INTEGER NOT NULL REFERENCES scene(id), source INTEGER NOT NULL, reason INTEGER NOT NULL,"     \
    " expected REAL NOT NULL);"                                                                           \
    "CREATE INDEX asked_scene ON asked(scene, event);"                                                    \
    "CREATE TRIGGER queue_asked AFTER DELETE ON queue WHEN OLD.expected IS NOT NULL BEGIN"                \
    " INSERT OR IGNORE INTO asked(event, scene, source, reason, expected)"                                \
    "  SELECT v.event, OLD.scene, OLD.source, OLD.reason, OLD.expected FROM verdict v"                    \
    "  WHERE v.picture = OLD.picture AND v.source = 0; END;"                                              \
    "CREATE TABLE doubt(picture INTEGER PRIMARY KEY REFERENCES picture(id),"                              \
    " scene INTEGER NOT NULL REFERENCES scene(id), event INTEGER NOT NULL REFERENCES label_event(id),"    \
    " defect REAL NOT NULL, about INTEGER, nth INTEGER NOT NULL);"                                        \
    "CREATE INDEX doubt_scene ON doubt(scene, nth);"

#endif
