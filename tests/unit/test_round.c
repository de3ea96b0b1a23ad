// Rounds, the worker's place, the registry of models, promotion and rollback in the database.
#include "config.h"

#include "tests/unit/scratch.h"

#include "base/file.h"
#include "db/industry.h"
#include "db/label.h"
#include "db/model.h"
#include "db/person.h"
#include "db/picture.h"
#include "db/project.h"
#include "db/queue.h"
#include "db/revision.h"
#include "db/round.h"
#include "db/scene.h"

enum { PICTURES = 6 };

struct fixture {
    char *path;
    struct db *db;
    int64_t scene, ann, pictures[PICTURES], revisions[3];
};

static struct error err;

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    if (make_scratch(state) != 0)
        return -1;
    f->path = file_join(scratch, "project.db");
    assert_ok(db_create(f->path, &f->db, &err), &err);
    assert_ok(db_scene_ensure(f->db, "belt", &f->scene, &err), &err);
    assert_ok(db_person_ensure(f->db, "Ann", &f->ann, &err), &err);
    for (int i = 0; i < PICTURES; i++) {
        char path[48], group[32];
        enum picture_outcome outcome;
        snprintf(path, sizeof path, "/nowhere/%d.png", i);
        snprintf(group, sizeof group, "tile %d", i / 2);
        struct picture_new p = {.scene = f->scene, .path = path, .width = 4, .height = 3, .channels = 1, .format = "png",
                                .group = group};
        hash_bytes(&i, sizeof i, p.sha256);
        assert_ok(db_picture_add(f->db, &p, &f->pictures[i], &outcome, &err), &err);
    }
    for (int r = 0; r < 3; r++) {
        struct score_new scores[PICTURES] = {0};
        struct revision revision = {.scene = f->scene, .threshold = 10, .flag_rate = 0.01};
        memset(revision.learned_sha256, r ? 'a' + r : 0, r ? HASH_HEX - 1 : 0);
        for (int i = 0; i < PICTURES; i++)
            scores[i] = (struct score_new){.picture = f->pictures[i], .score = {.score = 8 + i - r}, .flagged = 8 + i - r >= 10};
        assert_ok(db_revision_begin(f->db, &revision, &f->revisions[r], &err), &err);
        assert_ok(db_revision_scores(f->db, f->revisions[r], scores, PICTURES, &err), &err);
        if (r == 0)
            assert_ok(db_revision_finish(f->db, f->revisions[r], &err), &err);
        else
            assert_ok(db_revision_ready(f->db, f->revisions[r], &err), &err);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    db_close(f->db);
    free(f->path);
    free(f);
    return remove_scratch(state);
}

static int64_t open_pictures(struct fixture *f)
{
    struct scene_counts counts;
    assert_ok(db_counts(f->db, f->scene, &counts, &err), &err);
    return counts.open;
}

static void say(struct fixture *f, int picture, enum verdict verdict)
{
    int64_t event;
    struct label label = {.picture = f->pictures[picture], .person = f->ann, .role = "inspector", .verdict = verdict,
                          .class_name = verdict == VERDICT_DEFECT ? "hole" : "", .severity = verdict == VERDICT_DEFECT ? "key" : "",
                          .regions = "", .note = ""};
    assert_ok(db_label_add(f->db, &label, &event, &err), &err);
}

static void a_round_from_asking_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct round round;
    enum round_wish wish;
    int64_t id, other;
    assert_status(db_round_next(f->db, &round, &err), ST_NOT_FOUND, &err);
    say(f, 5, VERDICT_DEFECT);
    assert_ok(db_round_add(f->db, f->scene, "{\"from\":\"\"}", &id, &err), &err);
    assert_status(db_round_add(f->db, f->scene, "{}", &other, &err), ST_BUSY, &err);
    assert_true(other == id);
    assert_non_null(strstr(err.text, "is under way; `assay train --status`"));
    assert_ok(db_round_move(f->db, id, ROUND_QUEUED, ROUND_PAUSED, "", &err), &err);
    assert_status(db_round_add(f->db, f->scene, "{}", &other, &err), ST_BUSY, &err);
    assert_non_null(strstr(err.text, "is paused; `assay train --resume` goes on with it, --cancel gives it up"));
    assert_ok(db_round_move(f->db, id, ROUND_PAUSED, ROUND_QUEUED, "", &err), &err);
    assert_ok(db_round_add(f->db, 0, "{}", &other, &err), &err); // over all scenes: another one
    assert_ok(db_round_move(f->db, other, ROUND_QUEUED, ROUND_RUNNING, "", &err), &err);
    assert_ok(db_round_next(f->db, &round, &err), &err); // what was begun comes first
    assert_true(round.id == other && round.scene == 0);
    round_clear(&round);
    assert_ok(db_round_move(f->db, other, ROUND_RUNNING, ROUND_FAILED, "no", &err), &err);
    assert_ok(db_round_next(f->db, &round, &err), &err);
    assert_true(round.id == id && round.state == ROUND_QUEUED && round.answers == 1 && round.started_ms == 0);
    assert_string_equal(round.options, "{\"from\":\"\"}");
    round_clear(&round);
    assert_ok(db_round_move(f->db, id, ROUND_QUEUED, ROUND_RUNNING, "", &err), &err);
    struct round_progress p = {"training", 3, 9, 0.5, 70, 2.5};
    assert_ok(db_round_tell(f->db, id, &p, &wish, &err), &err);
    assert_int_equal(wish, WISH_NONE);
    assert_ok(db_round_ask(f->db, id, WISH_PAUSE, &err), &err);
    assert_ok(db_round_tell(f->db, id, &p, &wish, &err), &err);
    assert_int_equal(wish, WISH_PAUSE);
    assert_ok(db_round_move(f->db, id, ROUND_RUNNING, ROUND_RUNNING, "", &err), &err); // asked before it began: still to be heard
    assert_ok(db_round_tell(f->db, id, &p, &wish, &err), &err);
    assert_int_equal(wish, WISH_PAUSE);
    assert_ok(db_round_get(f->db, id, &round, &err), &err);
    assert_string_equal(round_standing(&round, true), "pausing");
    assert_string_equal(round_standing(&round, false), "stopped");
    round_clear(&round);
    assert_ok(db_round_move(f->db, id, ROUND_RUNNING, ROUND_PAUSED, "later", &err), &err);
    assert_status(db_round_next(f->db, &round, &err), ST_NOT_FOUND, &err);
    assert_ok(db_round_latest(f->db, f->scene, ROUND_RUNNING, &round, &err), &err);
    assert_true(round.wish == WISH_NONE && round.started_ms > 0 && round.ended_ms == 0);
    assert_memory_equal(&round.progress.step, &p.step, 2 * sizeof(int));
    assert_string_equal(round.sentence, "later");
    round_clear(&round);
    assert_ok(db_round_move(f->db, id, ROUND_PAUSED, ROUND_DONE, "good", &err), &err);
    assert_ok(db_round_get(f->db, id, &round, &err), &err);
    assert_true(round.ended_ms > 0 && round.state == ROUND_DONE);
    round_clear(&round);
    // of all rounds the one that runs is meant, however many wait behind it
    int64_t behind;
    assert_ok(db_round_latest(f->db, -1, ROUND_RUNNING, &round, &err), &err);
    assert_true(round.id == other); // both are over: the newer one
    round_clear(&round);
    assert_ok(db_round_add(f->db, f->scene, "{}", &other, &err), &err);
    assert_ok(db_round_add(f->db, 0, "{}", &behind, &err), &err);
    assert_ok(db_round_move(f->db, other, ROUND_QUEUED, ROUND_RUNNING, "", &err), &err);
    assert_ok(db_round_latest(f->db, -1, ROUND_RUNNING, &round, &err), &err);
    assert_true(round.id == other && behind > other);
    round_clear(&round);
    assert_ok(db_round_latest(f->db, -1, ROUND_QUEUED, &round, &err), &err);
    assert_true(round.id == behind);
    round_clear(&round);
    assert_ok(db_round_latest(f->db, -1, ROUND_PAUSED, &round, &err), &err); // none is: the one that runs
    assert_true(round.id == other);
    round_clear(&round);
    assert_status(db_round_tell(f->db, 999, &p, &wish, &err), ST_NOT_FOUND, &err);
}

// Who acts on what a round was: another process may have changed it meanwhile.
static void a_round_is_moved_from_the_state_that_was_seen(void **state)
{
    struct fixture *f = *state;
    struct round seen;
    struct round_progress p = {"training", 3, 9, 0.5, 70, 2.5};
    enum round_wish wish;
    int64_t id;
    assert_ok(db_round_add(f->db, f->scene, "{}", &id, &err), &err);
    assert_ok(db_round_get(f->db, id, &seen, &err), &err);
    assert_ok(db_round_move(f->db, id, ROUND_QUEUED, ROUND_RUNNING, "", &err), &err); // a worker takes it
    assert_status(db_round_move(f->db, id, seen.state, ROUND_CANCELLED, "cancelled", &err), ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "is not queued any more"));
    round_clear(&seen);
    assert_ok(db_round_get(f->db, id, &seen, &err), &err);
    assert_true(seen.state == ROUND_RUNNING && seen.ended_ms == 0);
    assert_string_equal(seen.sentence, "");
    round_clear(&seen);
    // and a worker that was thought dead neither tells nor ends what was paused
    assert_ok(db_round_move(f->db, id, ROUND_RUNNING, ROUND_PAUSED, "paused", &err), &err);
    assert_status(db_round_tell(f->db, id, &p, &wish, &err), ST_NOT_FOUND, &err);
    assert_status(db_round_move(f->db, id, ROUND_RUNNING, ROUND_DONE, "done", &err), ST_NOT_FOUND, &err);
    assert_ok(db_round_get(f->db, id, &seen, &err), &err);
    assert_true(seen.state == ROUND_PAUSED && seen.progress.step == 0);
    round_clear(&seen);
}

static void answers_are_counted_since_the_last_round(void **state)
{
    struct fixture *f = *state;
    struct round_answers a;
    assert_ok(db_round_answers(f->db, f->scene, 0, &a, &err), &err);
    assert_true(a.fresh == 0 && a.normals == 0 && a.defects == 0);
    say(f, 5, VERDICT_DEFECT);
    say(f, 4, VERDICT_NORMAL);
    say(f, 4, VERDICT_DEFECT); // thought better of it
    say(f, 3, VERDICT_UNSURE);
    assert_ok(db_round_answers(f->db, f->scene, 0, &a, &err), &err);
    assert_true(a.fresh == 2 && a.normals == 0 && a.defects == 2);
    say(f, 2, VERDICT_NORMAL);
    assert_ok(db_round_answers(f->db, 0, 4, &a, &err), &err);
    assert_true(a.fresh == 1 && a.normals == 1 && a.defects == 2);
    assert_ok(db_round_answers(f->db, f->scene + 1, 0, &a, &err), &err);
    assert_true(a.fresh == 0 && a.defects == 0);
    int64_t picture, count;
    assert_ok(db_label_back(f->db, f->ann, false, &picture, &count, &err), &err); // taken back: none any more
    assert_ok(db_round_answers(f->db, 0, 4, &a, &err), &err);
    assert_true(a.fresh == 0 && a.normals == 0 && a.defects == 2);
}

static void one_worker_has_the_place(void **state)
{
    struct fixture *f = *state;
    struct worker_row row, nobody = {0}, first = {.pid = 10, .started = "boot 5"}, second = {.pid = 10, .started = "boot 9"};
    assert_status(db_worker_get(f->db, &row, &err), ST_NOT_FOUND, &err);
    assert_ok(db_worker_take(f->db, &first, &nobody, &err), &err);
    assert_status(db_worker_take(f->db, &second, &nobody, &err), ST_BUSY, &err);
    assert_ok(db_worker_beat(f->db, &first, &err), &err);
    assert_ok(db_worker_get(f->db, &row, &err), &err);
    assert_true(row.pid == 10 && row.heartbeat_ms > 0);
    assert_ok(db_worker_take(f->db, &second, &row, &err), &err); // the same number, another process: the first is dead
    assert_status(db_worker_beat(f->db, &first, &err), ST_NOT_FOUND, &err);
    assert_ok(db_worker_leave(f->db, &first, &err), &err); // no longer its to leave
    assert_ok(db_worker_beat(f->db, &second, &err), &err);
    assert_ok(db_worker_leave(f->db, &second, &err), &err);
    assert_status(db_worker_get(f->db, &row, &err), ST_NOT_FOUND, &err);
}

static int64_t add_model(struct fixture *f, char letter, int64_t revision)
{
    struct model_row m = {.scene = f->scene, .notes = "{\"steps\":3}"};
    int64_t id, again;
    memset(m.sha256, letter, HASH_HEX - 1);
    memset(m.base_sha256, 'f', HASH_HEX - 1);
    assert_ok(db_model_add(f->db, &m, f->pictures, 3, &id, &err), &err);
    assert_ok(db_model_add(f->db, &m, f->pictures, 3, &again, &err), &err); // a round that goes on after a crash
    assert_true(id == again);
    assert_ok(db_model_scored(f->db, id, revision, &err), &err);
    return id;
}

static void count_group(void *context, const char *group)
{
    int *count = context;
    assert_int_equal(strncmp(group, "tile ", 5), 0);
    ++*count;
}

static void promotion_and_rollback_are_instant_and_keep_all_scores(void **state)
{
    struct fixture *f = *state;
    int64_t a = add_model(f, 'b', f->revisions[1]), b = add_model(f, 'c', f->revisions[2]), before;
    struct model_row *rows, row;
    struct revision revision;
    size_t count;
    int groups = 0;
    assert_int_equal(open_pictures(f), 4); // ten and more: pictures 2 .. 5
    assert_ok(db_model_list(f->db, &rows, &count, &err), &err);
    assert_true(count == 2 && !rows[0].active && strcmp(rows[0].state, "candidate") == 0);
    model_free(rows, count);
    assert_ok(db_model_groups(f->db, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", count_group, &groups, &err), &err);
    assert_int_equal(groups, 2);
    assert_status(db_revision_before(f->db, f->scene, &before, &err), ST_NOT_FOUND, &err);
    assert_ok(db_revision_activate(f->db, f->revisions[1], "gate", "", "better", &err), &err);
    assert_int_equal(open_pictures(f), 3);
    assert_status(db_revision_activate(f->db, f->revisions[1], "gate", "", "again", &err), ST_INVALID, &err);
    assert_ok(db_revision_activate(f->db, f->revisions[2], "hand", "Ann", "wanted", &err), &err);
    assert_int_equal(open_pictures(f), 2);
    assert_ok(db_model_decide(f->db, b, "promoted", "wanted", "{}", &err), &err);
    assert_ok(db_model_get(f->db, b, &row, &err), &err);
    assert_true(row.active && row.decided_ms > 0);
    assert_string_equal(row.reason, "wanted");
    assert_string_equal(model_standing(&row), "promoted");
    assert_string_equal(row.moved, "hand");
    assert_string_equal(row.mover, "Ann");
    assert_true(row.moved_ms > 0 && row.moved_ms <= row.decided_ms);
    model_clear(&row);
    assert_ok(db_model_decide(f->db, a, "promoted", "better", "{}", &err), &err);
    assert_ok(db_model_get(f->db, a, &row, &err), &err);
    assert_string_equal(model_standing(&row), "replaced");
    model_clear(&row);
    for (int r = 1; r >= 0; r--) { // back, and back again
        assert_ok(db_revision_before(f->db, f->scene, &before, &err), &err);
        assert_true(before == f->revisions[r]);
        assert_ok(db_revision_activate(f->db, before, "rollback", "Ann", "", &err), &err);
        assert_int_equal(open_pictures(f), 4 - r);
    }
    assert_status(db_revision_before(f->db, f->scene, &before, &err), ST_NOT_FOUND, &err);
    for (int i = 0; i < 2; i++) { // what the active revision says, not what was decided once
        assert_ok(db_model_get(f->db, i ? b : a, &row, &err), &err);
        assert_false(row.active);
        assert_string_equal(row.state, "promoted");
        assert_string_equal(model_standing(&row), "rolled back");
        assert_string_equal(row.moved, "rollback");
        assert_string_equal(row.mover, "Ann");
        model_clear(&row);
    }
    assert_ok(db_revision_get(f->db, f->revisions[2], &revision, &err), &err);
    assert_true(revision.screened == PICTURES && revision.learned_sha256[0] == 'c');
    assert_ok(db_revision_untrained(f->db, f->scene, &revision, &err), &err);
    assert_true(revision.id == f->revisions[0] && revision.number == 1);
    // one that was never completed cannot be made active
    struct revision half = {.scene = f->scene, .threshold = 1};
    int64_t id;
    assert_ok(db_revision_begin(f->db, &half, &id, &err), &err);
    assert_status(db_revision_activate(f->db, id, "hand", "Ann", "", &err), ST_INVALID, &err);
    assert_ok(db_revision_untrained(f->db, f->scene, &revision, &err), &err);
    assert_true(revision.id == f->revisions[0]);
    assert_status(db_revision_untrained(f->db, f->scene + 1, &revision, &err), ST_NOT_FOUND, &err);
}

static enum status sum(void *context, const struct compare_row *row)
{
    int *seen = context;
    assert_true(row->scores[0] - row->scores[1] == 1);
    seen[row->known]++;
    assert_true(row->known != VERDICT_DEFECT || row->severity == SEVERITY_KEY);
    assert_string_equal(row->class, row->known == VERDICT_DEFECT ? "hole" : "");
    assert_int_equal(strncmp(row->group, "tile ", 5), 0);
    return ST_OK;
}

// One more that scored as the first did, active where it is without a trained model and `live`.
static int64_t add_revision(struct fixture *f, bool live)
{
    int64_t id;
    struct score_new score = {.picture = f->pictures[0], .score = {.score = 8}};
    struct revision revision = {.scene = f->scene, .threshold = 10, .flag_rate = 0.01};
    memset(revision.learned_sha256, live ? 0 : 'f', live ? 0 : HASH_HEX - 1);
    memset(revision.patch_sha256, 'e', HASH_HEX - 1);
    assert_ok(db_revision_begin(f->db, &revision, &id, &err), &err);
    assert_ok(db_revision_scores(f->db, id, &score, 1, &err), &err);
    assert_ok(live ? db_revision_finish(f->db, id, &err) : db_revision_ready(f->db, id, &err), &err);
    return id;
}

static bool pruned(struct fixture *f, int64_t id)
{
    struct revision revision;
    assert_ok(db_revision_get(f->db, id, &revision, &err), &err);
    return revision.pruned;
}

static void old_revisions_lose_their_scores(void **state)
{
    struct fixture *f = *state;
    struct revision revision;
    int64_t waits = f->revisions[2], live[3], none[2];
    bool used, more;
    add_model(f, 'c', waits);
    for (int i = 0; i < 3; i++)
        live[i] = add_revision(f, true);
    for (int i = 0; i < 2; i++)
        none[i] = add_revision(f, false);
    assert_ok(db_revision_activate(f->db, live[0], "rollback", "Ann", "", &err), &err);
    assert_ok(db_revision_prune(f->db, f->scene, 3, &err), &err);
    // active were 1, a, b, c, a: of these a, c, b are the latest; never active were 2, 3 (waits), d, e: of these e, d, 3
    assert_true(pruned(f, f->revisions[0]) && pruned(f, f->revisions[1]));
    assert_ok(db_revision_prune(f->db, f->scene, 1, &err), &err);
    // active: a; round 0, the latest without a model: c; the newest that waits for a decision: 3
    assert_true(!pruned(f, live[0]) && pruned(f, live[1]) && !pruned(f, live[2]));
    assert_true(!pruned(f, waits) && pruned(f, none[0]) && !pruned(f, none[1]));
    assert_int_equal(open_pictures(f), 0);

    assert_ok(db_revision_pruned(f->db, f->scene, &revision, &err), &err);
    assert_true(revision.id == f->revisions[0]);
    assert_status(db_revision_kept(&revision, &err), ST_NOT_FOUND, &err);
    assert_non_null(strstr(err.text, "revision 1 was pruned"));
    assert_status(db_revision_activate(f->db, revision.id, "hand", "Ann", "", &err), ST_INVALID, &err);
    for (more = true; more;)
        assert_ok(db_revision_drop(f->db, revision.id, &more, &err), &err);
    assert_ok(db_revision_drop(f->db, live[0], &more, &err), &err); // one that is kept loses nothing
    assert_false(more);
    assert_ok(db_revision_get(f->db, f->revisions[0], &revision, &err), &err);
    assert_true(revision.screened == PICTURES); // it is still known what it was
    for (int64_t next[] = {f->revisions[1], live[1], none[0]}, *id = next; id < next + 3; id++) {
        assert_ok(db_revision_pruned(f->db, f->scene, &revision, &err), &err);
        assert_true(revision.id == *id);
        for (more = true; more;)
            assert_ok(db_revision_drop(f->db, revision.id, &more, &err), &err);
    }
    assert_status(db_revision_pruned(f->db, f->scene, &revision, &err), ST_NOT_FOUND, &err);
    assert_ok(db_revision_uses(f->db, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", &used, &err), &err);
    assert_true(used); // a pruned one has it, and so has one that is kept
    assert_ok(db_revision_uses(f->db, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", &used, &err), &err);
    assert_false(used);
}

static void two_revisions_are_compared_picture_by_picture(void **state)
{
    struct fixture *f = *state;
    int seen[8] = {0};
    say(f, 5, VERDICT_DEFECT);
    say(f, 4, VERDICT_NORMAL);
    assert_ok(db_compare(f->db, f->revisions[0], f->revisions[1], sum, seen, &err), &err);
    assert_true(seen[VERDICT_DEFECT] == 1 && seen[VERDICT_NORMAL] == 1 && seen[VERDICT_NONE] == 4);
}

static int64_t add_industry(struct fixture *f, char letter, char base)
{
    struct model_row m = {.notes = "{}"};
    int64_t id;
    memset(m.sha256, letter, HASH_HEX - 1);
    memset(m.base_sha256, base, HASH_HEX - 1);
    assert_ok(db_model_add(f->db, &m, NULL, 0, &id, &err), &err);
    return id;
}

// The model that rounds of base "fff..." begin from, '-' none; and the states of all industry models, by age.
static void assert_industry(struct fixture *f, char letter, const char *states)
{
    char base[HASH_HEX] = {0}, found[16] = "";
    struct model_row now = {0}, *rows;
    size_t count;
    memset(base, 'f', HASH_HEX - 1);
    assert_true(db_industry_now(f->db, base, &now, &err) == (letter == '-' ? ST_NOT_FOUND : ST_OK));
    assert_true(letter == '-' || (now.sha256[0] == letter && now.active && strcmp(now.state, "promoted") == 0));
    assert_ok(db_model_list(f->db, &rows, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].scene && rows[i].base_sha256[0] == 'f') {
            assert_true(rows[i].active == (rows[i].sha256[0] == letter));
            snprintf(found + strlen(found), sizeof found - strlen(found), "%.3s ", rows[i].state);
        }
    assert_string_equal(found, states);
    model_free(rows, count);
    model_clear(&now);
}

static void rounds_begin_from_one_industry_model_and_there_is_a_way_back(void **state)
{
    struct fixture *f = *state;
    char base[HASH_HEX] = {0};
    int64_t a = add_industry(f, 'a', 'f'), b = add_industry(f, 'b', 'f'), c = add_industry(f, 'c', 'f');
    int64_t other = add_industry(f, 'd', 'e');
    memset(base, 'f', HASH_HEX - 1);
    assert_industry(f, '-', "can can can "); // none was promoted
    assert_status(db_industry_back(f->db, base, "refused", "", &err), ST_NOT_FOUND, &err);
    assert_ok(db_industry_promote(f->db, other, "another base", &err), &err);
    assert_ok(db_industry_promote(f->db, a, "first", &err), &err);
    assert_ok(db_industry_promote(f->db, b, "second", &err), &err);
    assert_ok(db_industry_promote(f->db, c, "third", &err), &err);
    assert_industry(f, 'c', "rep rep pro ");
    assert_ok(db_industry_back(f->db, base, "rolled back", "worse", &err), &err);
    assert_industry(f, 'b', "rep pro rol ");
    assert_ok(db_industry_promote(f->db, a, "by hand", &err), &err); // an older one
    assert_industry(f, 'a', "pro rep rol ");
    assert_ok(db_industry_back(f->db, base, "refused", "worse", &err), &err);
    assert_industry(f, 'b', "ref pro rol ");
    assert_ok(db_industry_back(f->db, base, "refused", "worse, too", &err), &err); // to the base
    assert_industry(f, '-', "ref ref rol ");
    // of a project from before they were replaced: the newest counts, and there is a way back from it
    assert_ok(db_model_decide(f->db, a, "promoted", "", NULL, &err), &err);
    assert_ok(db_model_decide(f->db, b, "promoted", "", NULL, &err), &err);
    assert_industry(f, 'b', "pro pro rol ");
    assert_ok(db_industry_back(f->db, base, "refused", "worse", &err), &err);
    assert_industry(f, 'a', "pro ref rol ");
}

static void what_came_of_an_industry_model_is_counted(void **state)
{
    struct fixture *f = *state;
    struct industry_verdict v;
    char parent[HASH_HEX] = {0}, *options;
    int64_t ids[3], round;
    add_industry(f, 'a', 'f');
    memset(parent, 'a', HASH_HEX - 1);
    for (int i = 0; i < 3; i++) {
        struct model_row m = {.scene = f->scene, .notes = "{}"};
        memset(m.sha256, '1' + i, HASH_HEX - 1);
        memset(m.base_sha256, 'f', HASH_HEX - 1);
        memcpy(m.parent, parent, HASH_HEX);
        assert_ok(db_model_add(f->db, &m, NULL, 0, &ids[i], &err), &err);
    }
    options = xasprintf("{\"from\":\"%s\",\"industry\":true}", parent);
    assert_ok(db_round_add(f->db, f->scene, options, &round, &err), &err);
    free(options);
    assert_ok(db_model_decide(f->db, ids[0], "refused", "", NULL, &err), &err);
    assert_ok(db_model_decide(f->db, ids[1], "candidate", "", NULL, &err), &err);
    assert_ok(db_industry_verdict(f->db, parent, 0, &v, &err), &err);
    assert_true(v.promoted == 0 && v.refused == 1 && v.judged == 2 && v.open == 1);
    assert_ok(db_industry_verdict(f->db, parent, round, &v, &err), &err);
    assert_int_equal(v.open, 0);
    assert_ok(db_model_decide(f->db, ids[2], "promoted", "", NULL, &err), &err);
    assert_ok(db_round_move(f->db, round, ROUND_QUEUED, ROUND_DONE, "", &err), &err);
    assert_ok(db_industry_verdict(f->db, parent, 0, &v, &err), &err);
    assert_true(v.promoted == 1 && v.refused == 1 && v.judged == 3 && v.open == 0);
}

static void the_curve_of_a_round_that_went_back(void **state)
{
    struct fixture *f = *state;
    static const int told[] = {10, 20, 30, 20, 25}; // killed after 30, gone on from a checkpoint before 20
    struct round_point *points;
    struct round *rounds;
    enum round_wish wish;
    int64_t first, second;
    size_t count;
    assert_ok(db_round_add(f->db, f->scene, "{}", &first, &err), &err);
    assert_ok(db_round_move(f->db, first, ROUND_QUEUED, ROUND_RUNNING, "", &err), &err);
    for (size_t i = 0; i < 5; i++) {
        struct round_progress p = {.stage = "training", .step = told[i], .steps = 40, .loss = 1.0 / (double)(i + 1)};
        assert_ok(db_round_tell(f->db, first, &p, &wish, &err), &err);
    }
    struct round_progress scoring = {.stage = "scoring", .step = 500, .steps = 1000};
    assert_ok(db_round_tell(f->db, first, &scoring, &wish, &err), &err);
    assert_ok(db_round_curve(f->db, first, &points, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_true(points[0].step == 10 && points[1].step == 20 && points[2].step == 25);
    assert_true(points[0].loss == 1 && points[1].loss == 0.25 && points[2].loss == 0.2);
    free(points);
    assert_ok(db_round_move(f->db, first, ROUND_RUNNING, ROUND_CANCELLED, "enough", &err), &err);
    assert_ok(db_round_add(f->db, f->scene, "{}", &second, &err), &err);
    assert_ok(db_round_curve(f->db, second, &points, &count, &err), &err);
    assert_int_equal(count, 0);
    free(points);
    assert_ok(db_round_list(f->db, 10, &rounds, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_true(rounds[0].id == second && rounds[1].id == first);
    assert_string_equal(rounds[1].sentence, "enough");
    for (size_t i = 0; i < count; i++)
        round_clear(&rounds[i]);
    free(rounds);
}

static void activations_are_told_newest_first(void **state)
{
    struct fixture *f = *state;
    struct activation_row *rows;
    size_t count;
    assert_ok(db_revision_activate(f->db, f->revisions[1], "hand", "Ann", "better", &err), &err);
    assert_ok(db_activations(f->db, f->scene, 10, &rows, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_true(rows[0].before == 1 && rows[0].after == 2 && rows[1].before == 0 && rows[1].after == 1);
    assert_string_equal(rows[0].kind, "hand");
    assert_string_equal(rows[0].who, "Ann");
    assert_string_equal(rows[0].reason, "better");
    assert_true(rows[0].learned[0] == 'b' && !rows[1].learned[0]);
    activation_free(rows, count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_round_from_asking_to_its_end),
        TEST(a_round_is_moved_from_the_state_that_was_seen),
        TEST(answers_are_counted_since_the_last_round),
        TEST(one_worker_has_the_place),
        TEST(promotion_and_rollback_are_instant_and_keep_all_scores),
        TEST(rounds_begin_from_one_industry_model_and_there_is_a_way_back),
        TEST(what_came_of_an_industry_model_is_counted),
        TEST(the_curve_of_a_round_that_went_back),
        TEST(activations_are_told_newest_first),
        TEST(old_revisions_lose_their_scores),
        TEST(two_revisions_are_compared_picture_by_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
