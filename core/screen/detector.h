// The detectors of a scene. Those that are measured look at a picture's maps, where they lie, and leave one
// number per picture in the store of features; the others work on the stored embedding.
#ifndef SCREEN_DETECTOR_H
#define SCREEN_DETECTOR_H

enum detector {
    DETECTOR_PATCH,     // distance of the whole picture's cells from normal ones
    DETECTOR_TILE,      // the same over native-resolution tiles
    DETECTOR_DRAWN,     // how much the cells look as if a defect were drawn there (patch_flaw.h): taught by no real one
    DETECTOR_LEARNED,   // logit of a network trained on answers
    DETECTORS_MEASURED,
    DETECTOR_WHOLE = DETECTORS_MEASURED, // shrinkage Gaussian on the embedding
    DETECTOR_KNOWN,                      // similarity to confirmed defects against confirmed normals
    DETECTORS
};

#endif
