#include "config.h"

#include <math.h>

#include "app/report.h"
#include "db/label.h"

// Both charts: 640 x 280 units, the plot inside of these margins.
enum { WIDE = 640, HIGH = 280, LEFT = 56, RIGHT = 16, TOP = 30, BOTTOM = 44 };
static const double plot_wide = WIDE - LEFT - RIGHT, plot_high = HIGH - TOP - BOTTOM;

static void open_chart(struct strbuf *page, const char *title, const char *name)
{
    strbuf_printf(page,
                  "<figure><figcaption>%s</figcaption>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\""
                  " aria-label=\"%s\" class=\"%s\" viewBox=\"0 0 %d %d\">\n",
                  title, title, name, WIDE, HIGH);
    strbuf_printf(page, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, HIGH - BOTTOM, WIDE - RIGHT);
}

static void close_chart(struct strbuf *page, const char *across, const char *up)
{
    strbuf_printf(page, "<text x=\"%.1f\" y=\"%d\" class=\"mid\">%s</text>\n", LEFT + plot_wide / 2, HIGH - 6, across);
    strbuf_printf(page, "<text transform=\"translate(13 %.1f) rotate(-90)\" class=\"mid\">%s</text>\n</svg></figure>\n",
                  TOP + plot_high / 2, up);
}

static void tick_across(struct strbuf *page, double share, const char *label)
{
    double x = LEFT + share * plot_wide;
    strbuf_printf(page, "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" class=\"mid\">%s</text>\n", x, TOP,
                  HIGH - BOTTOM, x, HIGH - BOTTOM + 16, label);
}

static void tick_up(struct strbuf *page, double share, const char *label)
{
    double y = HIGH - BOTTOM - share * plot_high;
    strbuf_printf(page, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" class=\"end\">%s</text>\n", LEFT, y,
                  WIDE - RIGHT, LEFT - 6, y + 4, label);
}

// --- scores --------------------------------------------------------------------

enum { JOIN = 4, BARS = 60 }; // bars of four bins, the last holds everything beyond

static void join_bins(const int64_t bins[REPORT_BINS], int64_t bars[BARS])
{
    for (int i = 0; i < BARS; i++)
        bars[i] = 0;
    for (int i = 0; i < REPORT_BINS; i++)
        bars[i / JOIN < BARS ? i / JOIN : BARS - 1] += bins[i];
}

static double height(int64_t count, double top)
{
    return log10(1 + (double)count) / top;
}

static void put_bars(struct strbuf *page, const int64_t bars[BARS], double top, const char *name)
{
    double step = plot_wide / BARS;
    strbuf_printf(page, "<path class=\"%s\" d=\"", name);
    for (int i = 0; i < BARS; i++)
        if (bars[i] > 0)
            strbuf_printf(page, "M%.2f %dv%.2fh%.2fV%dz", LEFT + i * step, HIGH - BOTTOM, -height(bars[i], top) * plot_high,
                          step * 0.86, HIGH - BOTTOM);
    strbuf_puts(page, "\"/>\n");
}

static void put_histogram(struct strbuf *page, const struct report *r)
{
    int64_t all[BARS], defect[BARS], most = 9;
    join_bins(r->all, all);
    join_bins(r->defect, defect);
    for (int i = 0; i < BARS; i++)
        most = all[i] > most ? all[i] : most;
    double top = log10(1 + (double)most);
    open_chart(page, _("Scores of all pictures, known defects on top, thresholds"), "histogram");
    for (double count = 1; log10(1 + count) <= top; count *= 10) {
        char label[24];
        snprintf(label, sizeof label, "%.0f", count);
        tick_up(page, height((int64_t)count, top), label);
    }
    double range = BARS * JOIN * REPORT_STEP;
    for (int score = 0; score < range; score += 2) {
        char label[24];
        snprintf(label, sizeof label, "%d", score);
        tick_across(page, score / range, label);
    }
    put_bars(page, all, top, "all");
    put_bars(page, defect, top, "defect");
    for (size_t i = 0; i < r->scene_count; i++) {
        if (!r->scenes[i].screened)
            continue;
        double x = LEFT + fmin(r->scenes[i].revision.threshold / range, 1) * plot_wide;
        strbuf_printf(page, "<path class=\"threshold\" d=\"M%.1f %dV%d\"><title>", x, TOP, HIGH - BOTTOM);
        html_put(page, r->scenes[i].name);
        strbuf_printf(page, _(": threshold %.3f</title></path>\n"), r->scenes[i].revision.threshold);
    }
    close_chart(page, _("score (3: one normal picture in 1,000 scores as high)"), _("pictures"));
}

// --- recall against filter rate ---------------------------------------------------

// A filter rate on a scale where 90, 99 and 99.9 % are evenly apart.
static double place(double filtered)
{
    return fmin(-log10(fmax(1 - filtered, 1e-4)) / 4, 1);
}

static void put_curve(struct strbuf *page, const struct report *r, const struct report_severity *s)
{
    strbuf_printf(page, "<path class=\"curve %s\" d=\"", s->name);
    double last_x = -1, last_y = -1;
    for (int i = 0; i < REPORT_BINS; i++) {
        double x = place(report_filter_at(r, i)), y = report_recall_at(s, i);
        if (x == last_x && y == last_y)
            continue;
        strbuf_printf(page, "%c%.2f %.2f", last_x < 0 ? 'M' : 'L', LEFT + x * plot_wide, HIGH - BOTTOM - y * plot_high);
        last_x = x;
        last_y = y;
    }
    strbuf_puts(page, "\"/>\n");
}

static void put_recall(struct strbuf *page, const struct report *r)
{
    static const struct {
        double filtered;
        const char *label;
    } across[] = {{0, "0"}, {0.5, "50"}, {0.9, "90"}, {0.99, "99"}, {0.999, "99.9"}, {0.9999, "99.99"}};
    static const char *const up[] = {"0", "20", "40", "60", "80", "100"};
    open_chart(page, _("Recall against filter rate, of defects found independently of the score"), "recall");
    for (size_t i = 0; i < sizeof across / sizeof *across; i++)
        tick_across(page, place(across[i].filtered), across[i].label);
    for (int i = 0; i < 6; i++)
        tick_up(page, 0.2 * i, up[i]);
    int line = 0;
    for (int s = 0; s <= SEVERITIES; s++) {
        if (!report_total(&r->severities[s]))
            continue;
        put_curve(page, r, &r->severities[s]);
        int x = LEFT + 110 * line++; // the key, above the plot
        strbuf_printf(page, "<path class=\"curve %s\" d=\"M%d %dh30\"/><text x=\"%d\" y=\"%d\">%s</text>\n", r->severities[s].name,
                      x, TOP / 2, x + 36, TOP / 2 + 4, _(r->severities[s].name));
    }
    if (report_total(&r->severities[SEVERITIES])) {
        double x = LEFT + place(report_filter_rate(r)) * plot_wide;
        strbuf_printf(page, "<path class=\"threshold\" d=\"M%.1f %dV%d\"><title>%s</title></path>\n", x, TOP, HIGH - BOTTOM,
                      _("where the thresholds are"));
    } else {
        strbuf_printf(page, "<text x=\"%.1f\" y=\"%.1f\" class=\"mid\">%s</text>\n", LEFT + plot_wide / 2, TOP + plot_high / 2,
                      _("no such defect is known"));
    }
    close_chart(page, _("filter rate, %"), _("recall, %"));
}

void html_charts(struct strbuf *page, const struct report *r)
{
    strbuf_printf(page, "<section><h2>%s</h2><div class=\"charts\">\n", _("Curves"));
    put_histogram(page, r);
    put_recall(page, r);
    strbuf_puts(page, "</div></section>\n");
}
