#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "app/stored.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"

// As they are written: core/image/quality.c, core/screen/threshold.c, core/learn/gate.c, app/train.c, app/industry.c, app/cmd_train.c, app/promote.c, app/rounds.c, app/worker.c, app/cmd_add.c,
// app/cmd_user.c, app/cmd_backup.c, app/hook.c, app/frontier_pictures.c, core/learn/frontier_file.c, core/learn/crop_source.c, db/log.c; and
// what ends or pauses a round: app/trained.c, app/train_data.c, core/learn/adapt*.c, core/base/file.c, db/db.c.
// A conversion stands for a number, %s for a word, or before ; and : for some.
static const char *const phrases[] = {
    N_("a budget of %.6g %% of the normal pictures filtered sets it; recall not demonstrated: none was asked for"),
    N_("recall demonstrated at 95 %% confidence"),
    N_("recall not demonstrated on defects found independently of the score"),
    N_("a budget of %.6g %% of the normal pictures filtered holds for the latter"),
    N_("a budget of %.6g %% of the normal pictures filtered is used instead"),
    N_("moved so that at least one picture is filtered"),
    N_("moved so that at least one picture is flagged"),
    N_("%s at least %.6g %% (%zu of %zu flagged)"),
    N_("%s at %.6g %% would take showing every picture (%zu known)"),
    N_("%s at %.6g %% needs %zu more (%zu known)"),
    N_("on %zu held-out normals it filters %.2f %% instead of %.2f %%, and misses %zu of %zu defects instead of %zu"),
    N_("not promoted: it newly misses %zu of %zu %s defects"),
    N_("not promoted: it forgets a kind, newly misses %zu of %zu of class %s"),
    N_("not enough to compare: %zu held-out defect, %d are needed"),
    N_("not enough to compare: %zu held-out defects, %d are needed"),
    N_("nothing to compare: neither flags any of %zu held-out pictures, %zu of them defects"),
    N_("`assay promote` decides"),
    N_("scored under another goal of the threshold than what is active"),
    N_("better, but not surely: the change in normals filtered may be as low as %+.2f points (90 %% bound; -1 is allowed)"),
    N_("not promoted: the change in normals filtered may be as low as %+.2f points (90 %% bound; -1 is allowed)"),
    N_("a lead decides: it newly misses %zu of %zu stop defects"),
    N_("it falls below round 0 (revision %d, before any trained model); "),
    N_("promoted: "),
    N_("(change at least %+.2f points, 90 %% bound)"),
    N_("promoted by "),
    N_("promoted by the gate"),
    N_("rolled back"),
    N_("rolled back by "),
    N_("active again, by a rollback of "),
    N_("replaced"),
    N_("; before that: "),
    N_("; the gate said: "),
    N_("; the gate had not decided: "),
    N_("an industry model: each scene's model that begins from it goes through its own gate"),
    N_("rounds begin from it; promoted by "),
    N_("a model of another project, from the file "),
    N_("it did not score its scene's pictures yet; `assay train --from %s` begins from it"),
    N_("rounds no longer begin from it; rolled back by "),
    N_("rounds no longer begin from it: the gates refused %lld of %lld models that did, and promoted none"),
    N_("industry model %s is there; %zu scene now trains from it"),
    N_("industry model %s is there; %zu scenes now train from it"),
    N_("you may not write to this project, and looking at it needs that, too; ask its owner for write permission, or work on a copy of its folder"),
    N_("`assay train --resume` goes on"),
    N_("%lld pictures added, %lld changed, %lld moved, %lld further copies, %lld unreadable"),
    N_("%lld known answers imported"),
    N_("%zu new classes and %zu relations"),
    N_(" is a lead"),
    N_(" is no longer said in "),
    N_("round %lld is to pause"),
    N_("round %lld is to go on"),
    N_("round %lld is to end"),
    N_(" is an inspector"),
    N_("%zu files, %.1f MB"),
    N_("the demo's pictures"),
    N_("%zu pictures of %d scene of a project"),
    N_("%zu pictures of %d scenes of a project"),
    N_(", %s kernels"),
    N_("%zu photos (%.1f MiB)"),
    N_(", a random part of %zu: the memory for photos is full"),
    N_(", %zu masks left aside"),
    N_(", %zu files skipped that are not readable pictures"),
    N_(", %zu demo pictures"),
    N_("trained model %s: its file is missing; "),
    N_("trained model %s: its file was altered; "),
    N_("put it back from a backup, or go on without it: `assay rollback` where it is active, else `assay train`"),
    N_("put it back from a backup, or begin from another (`assay train --from`) or from nothing (`--alone`)"),
    N_("put it back from a backup, or promote another (`assay models` shows them); what is active stays"),
    N_("put it back from a backup, or promote another (`assay promote MODEL`); what is active stays"),
    N_("not a checkpoint of a training round"),
    N_("this round was begun with other answers or settings"),
    N_("metadata \"state\" is damaged"),
    N_("damaged; `assay train --cancel` gives the round up"),
    N_("nothing to learn from was answered; `assay review` asks"),
    N_("nothing to learn from was answered; `assay review` asks, or `assay train --with-truth` learns from what was imported as known"),
    N_("nothing to learn from yet: what was answered (%zu) is held out to compare models with, or of an audit; answer more, `assay review` asks"),
    N_("picture %lld is not of this round"),
    N_("there is no normal picture to learn from among %zu: answer some that are normal first"),
    N_("there is no defect to learn from among %zu pictures: answer some first"),
    N_("%d classes: at most %d can be told apart"),
    N_("rank=%d is more than %g %% of the base's weights; at most rank=%d may be trained"),
    N_("the model to go on from was made for another base (%s, not %s)"),
    N_("not a model that was trained here"),
    N_("trained on another base (%s, not %s); use that base or train again"),
    N_("its metadata say no adapter and heads that could be; restore or train again"),
    N_("written by a newer program (%s); update this one to use it"),
    N_("there is no strategy '%s'; `assay strategies` shows them"),
    N_("scene %s was not screened yet; run `assay screen` first"),
    N_("scene %s: screened with another base; run `assay screen` with this one"),
    N_("scene %s: screened with other settings; run `assay screen` with these"),
    N_("locked by another program while %s; try again"),
    N_("the disk is full while %s; nothing was changed, make room and try again"),
    N_("refused while %s: "),
    N_("failed while %s: "),
    N_("empty, it holds no project; restore a backup, or remove the file and make the project anew"),
    N_("damaged or not a database ("),
    N_("); restore a backup"),
    N_("cannot open"),
    N_("cannot read"),
    N_("cannot write"),
    N_("cannot stat"),
    N_("cannot sync its folder"),
    N_("cannot sync"),
    N_("cannot create the folder"),
    N_("cannot create"),
    N_("cannot close"),
    N_("cannot rename into place"),
    N_("cannot be made writable for its group"),
    N_("not a regular file"),
    N_("%lld bytes, more than the limit of %llu"),
    N_("the content was altered, its SHA-256 is %s...; put the original back"),
    N_("The stop command failed for %lld: "),
    N_("; `assay hook --again` tries it anew."),
    N_("The stop command waits for another try (%lld due): "),
    N_(", try %lld of %d"),
    N_("exit status %d"),
    N_("killed by signal %d"),
    N_("not done after %d s, ended"),
    N_("/bin/sh cannot be started: "),
    N_("hook.stop is not set any more"),
    N_("the answer was taken back before"),
    N_("one tone: its levels differ by %.1f only, usual here is %.0f"),
    N_("mean level %.0f, usual here is %.0f to %.0f"),
    N_("%.0f %% of it is white and the mean level %.0f, usual here is %.0f to %.0f"),
    N_("nothing in the lower %.0f %%, usual here is up to %.0f %%"),
    N_("one area without detail covers %.0f %%, usual here is up to %.0f %%"),
    N_("fine detail is %.0f %% of what is usual here"),
    N_("mean level %.0f, and its levels differ by %.1f only"),
    N_("paused; `assay train --resume` goes on"),
    N_("cancelled"),
    N_("%lld of %lld"),
    N_(", in "),
    N_("; "),
    N_(": "),
    N_(", "),
};

enum { SPANS = 8 };

struct span {
    const char *text;
    size_t length;
    bool word;
};

// Behind a conversion that begins at `at`; its number by position, 0 where it has none.
static const char *conversion_end(const char *at, int *position)
{
    char *end;
    long number = strtol(at + 1, &end, 10);
    *position = *end == '$' ? (int)number : 0;
    at++;
    while (*at && !isalpha((unsigned char)*at))
        at++;
    while (*at == 'l' || *at == 'z')
        at++;
    return *at ? at + 1 : at;
}

static size_t span_of(const char *text, bool word, bool several)
{
    size_t n = word ? 0 : strspn(text, "+-.0123456789e");
    while (word && (isalnum((unsigned char)text[n]) || text[n] == '-' || text[n] == '_' || (unsigned char)text[n] >= 0x80 || (several && n && text[n] == ' ')))
        n++;
    return n;
}

// How much of `text` the phrase takes; 0 when it is not this one.
static size_t match(const char *phrase, const char *text, struct span spans[SPANS])
{
    const char *at = text;
    size_t n = 0;
    while (*phrase) {
        if (phrase[0] == '%' && phrase[1] != '%') {
            int unused;
            phrase = conversion_end(phrase, &unused);
            bool word = phrase[-1] == 's';
            size_t length = span_of(at, word, *phrase == ';' || *phrase == ':');
            if (length == 0 || n == SPANS)
                return 0;
            spans[n++] = (struct span){at, length, word};
            at += length;
        } else {
            phrase += phrase[0] == '%';
            if (*phrase++ != *at++)
                return 0;
        }
    }
    return (size_t)(at - text);
}

static void put_span(struct strbuf *out, const struct span *span)
{
    char *text = xasprintf("%.*s", (int)span->length, span->text);
    strbuf_puts(out, span->word ? _(text) : text); // a severity
    free(text);
}

static void put_phrase(struct strbuf *out, const char *phrase, const struct span spans[SPANS])
{
    int next = 0;
    while (*phrase) {
        if (phrase[0] == '%' && phrase[1] != '%') {
            int position;
            phrase = conversion_end(phrase, &position);
            int which = position > 0 ? position - 1 : next++;
            if (which < SPANS && spans[which].text)
                put_span(out, &spans[which]);
        } else {
            phrase += phrase[0] == '%';
            strbuf_add(out, phrase++, 1);
        }
    }
}

char *stored_text(const char *english)
{
    struct strbuf out = {0};
    strbuf_puts(&out, "");
    bool begins = true; // of a word
    for (const char *at = english ? english : ""; *at;) {
        struct span spans[SPANS] = {{0}}, best[SPANS] = {{0}};
        size_t most = 0, which = 0;
        for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
            size_t length = begins || ispunct((unsigned char)phrases[i][0]) || phrases[i][0] == ' ' ? match(phrases[i], at, spans) : 0;
            if (length > most) {
                most = length;
                which = i;
                memcpy(best, spans, sizeof best);
            }
        }
        if (most > 0)
            put_phrase(&out, _(phrases[which]), best);
        else
            strbuf_add(&out, at, 1);
        at += most > 0 ? most : 1;
        begins = !isalnum((unsigned char)at[-1]) && at[-1] != '.';
    }
    return out.data;
}
