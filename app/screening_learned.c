#include "config.h"

#include "app/screening.h"
#include "base/intl.h"
#include "screen/model.h"

const char *screening_without_learned(const struct screen_model *model, const struct patch_model *patch, bool trained,
                                      bool other_base)
{
    if (screen_uses(model, DETECTOR_LEARNED))
        return other_base ? N_("its trained model was made with another base and rests; until the next `assay train`, "
                               "drawn defects teach it")
                          : NULL;
    if (trained)
        return N_("its trained model says the same of all pictures believed normal");
    if (!patch_learned(patch))
        return N_("defects drawn into its pictures changed too few cells to learn from; more or larger pictures, a "
                  "smaller ignore mask or `assay train` help");
    return N_("what drawn defects taught says the same of all pictures believed normal");
}
