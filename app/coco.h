// Regions as COCO JSON (cocodataset.org, "Data format"): images, categories, annotations with bbox and segmentation.
//
// A mask without holes is written as polygons along its pixels' edges, iscrowd 0; one with holes as run lengths, for which
// the format asks iscrowd 1. What COCO has no place for stands in "attributes" of an annotation (kind, severity, who, at)
// and "verdict" of an image; other programs pass over it.
#ifndef APP_COCO_H
#define APP_COCO_H

#include "app/add.h"
#include "app/project.h"

// To standard output: pictures of a scene (0: all) that were answered or imported, and, but for normal ones, their regions:
// drawn ones, else imported ones, else the imported mask.
ASSAY_CHECKED enum status coco_write(struct project *project, int64_t scene, enum status (*print)(void *context, const char *text, struct error *err),
                                     void *context, struct error *err);

// Known answers from a COCO file, all or none; the same as before adds nothing. Its pictures are found as those of a
// table of known answers are. A mistake is ST_INVALID or ST_NOT_FOUND with a sentence naming the annotation or image.
ASSAY_CHECKED enum status coco_import(struct project *project, const char *file, struct add_report *report, struct error *err);

#endif
