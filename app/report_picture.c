#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/report.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "db/label.h"
#include "db/picture.h"
#include "db/queue.h"
#include "db/scene.h"
#include "ui/compose.h"

enum { SIDE = 240, QUALITY = 82, THUMBNAILS = 48 };

// The picture with its heatmap, at most SIDE pixels either way, as a JPEG.
static enum status thumbnail(struct project *project, const struct picture *picture, const struct queue_item *item,
                             unsigned char **jpeg, size_t *count, int size[2], struct error *err)
{
    struct image whole = {0}, frame = {0};
    struct placement place;
    char *path = project_picture(project, picture);
    enum status status = image_load(path, &project->limits, 2 * SIDE, 2 * SIDE, &whole, NULL, err);
    free(path);
    if (status != ST_OK)
        return status;
    double scale = SIDE / (double)(whole.width > whole.height ? whole.width : whole.height);
    for (int i = 0; i < 2; i++) {
        size[i] = (int)(scale * (i ? whole.height : whole.width) + 0.5);
        size[i] = size[i] < 1 ? 1 : size[i];
    }
    compose_fit(&whole, size[0], size[1], &frame, &place);
    if (item->heat.rows > 0)
        compose_heat(&frame, &place, &item->heat, item->box, 2, 2);
    status = image_encode_jpeg(&frame, QUALITY, jpeg, count, err);
    image_clear(&frame);
    image_clear(&whole);
    return status;
}

static void put_said(struct strbuf *page, struct project *project, const struct verdict_row *v)
{
    char room[CLASS_WORD];
    html_put(page, _(verdict_name(v->verdict)));
    if (v->verdict != VERDICT_DEFECT)
        return;
    if (v->class_name && v->class_name[0]) {
        strbuf_puts(page, _(": "));
        html_put(page, class_word(project->db, v->class_name, room));
    }
    if (v->severity && v->severity[0]) {
        strbuf_puts(page, _(", "));
        html_put(page, _(v->severity));
    }
}

// One picture with what is known of it; what cannot be had is said in its place.
static void put_picture(struct strbuf *page, struct project *project, int64_t id, bool everywhere)
{
    struct scene scene;
    struct picture picture;
    struct queue_item item;
    struct verdict_row said = {0}, known = {0};
    struct error err = {0};
    unsigned char *jpeg = NULL;
    size_t count;
    int size[2];
    if (db_picture_get(project->db, id, &picture, &err) != ST_OK)
        return;
    if (db_queue_item(project->db, id, &item, &err) != ST_OK)
        item = (struct queue_item){.picture = id};
    strbuf_puts(page, "<figure class=\"picture\">");
    if (thumbnail(project, &picture, &item, &jpeg, &count, size, &err) == ST_OK) {
        strbuf_printf(page, "<img alt=\"%s\" width=\"%d\" height=\"%d\" src=\"data:image/jpeg;base64,",
                      _("picture with heatmap"), size[0], size[1]);
        base64_add(page, jpeg, count);
        strbuf_puts(page, "\"/>");
    } else {
        strbuf_puts(page, "<p class=\"gone\">");
        html_put(page, err.text);
        strbuf_puts(page, "</p>");
    }
    free(jpeg);
    const char *slash = strrchr(picture.path, '/');
    strbuf_puts(page, "<figcaption><b>");
    if (db_verdict_get(project->db, id, LABEL_REVIEW, &said, &err) == ST_OK &&
        db_verdict_get(project->db, id, LABEL_TRUTH, &known, &err) == ST_OK)
        put_said(page, project, said.verdict != VERDICT_NONE ? &said : &known);
    strbuf_puts(page, "</b><br/>");
    if (everywhere && db_scene_get(project->db, picture.scene, NULL, &scene, &err) == ST_OK) { // names are told apart by it
        html_put(page, scene.name);
        strbuf_puts(page, _(": "));
        scene_clear(&scene);
    }
    html_put(page, slash ? slash + 1 : picture.path);
    if (item.revision)
        strbuf_printf(page, _("<br/>score %.2f"), item.score.score);
    strbuf_puts(page, "</figcaption></figure>\n");
    verdict_clear(&said);
    verdict_clear(&known);
    picture_clear(&picture);
}

void html_picks(struct strbuf *page, struct project *project, const struct report *r, const char *title,
                const struct report_picks *picks)
{
    strbuf_printf(page, "<section class=\"pictures\"><h2>%s</h2>\n", title);
    if (!picks->count)
        strbuf_printf(page, "<p>%s</p>\n", _("None is known."));
    strbuf_puts(page, "<div class=\"grid\">\n");
    for (size_t i = 0; i < picks->count; i++)
        put_picture(page, project, picks->pictures[i], !r->options.scene);
    strbuf_puts(page, "</div></section>\n");
}

void html_finds(struct strbuf *page, struct project *project, const struct report *r)
{
    size_t shown = r->find_count < THUMBNAILS ? r->find_count : THUMBNAILS;
    strbuf_printf(page, "<section class=\"pictures\"><h2>%s</h2>\n", _("What was found"));
    if (shown < r->find_count)
        strbuf_printf(page, _("<p>The first %zu of those in the table.</p>\n"), shown);
    strbuf_puts(page, r->find_count ? "<div class=\"grid\">\n" : _("<div class=\"grid\"><p>Nothing.</p>\n"));
    for (size_t i = 0; i < shown; i++)
        put_picture(page, project, r->finds[i].picture, !r->options.scene);
    strbuf_puts(page, "</div></section>\n");
}
