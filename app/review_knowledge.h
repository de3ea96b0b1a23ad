// Relations and templates for the review.
#ifndef APP_REVIEW_KNOWLEDGE_H
#define APP_REVIEW_KNOWLEDGE_H

#include "app/project.h"
#include "db/relation.h"
#include "ui/knowledge.h"

struct review_knowledge {
    struct knowledge_model model;
    struct project *project;
    int64_t person;
    struct relation_row *rows; // as read last
    struct knowledge_row *shown;
    size_t count;
    struct template_words *words; // read when first shown
};

void review_knowledge_open(struct review_knowledge *knowledge, struct project *project, int64_t person);
void review_knowledge_clear(struct review_knowledge *knowledge);

#endif
