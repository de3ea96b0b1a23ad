#include "config.h"

#include "app/screening.h"
#include "base/intl.h"
#include "screen/model.h"

const char *screening_without_learned(const struct screen_model *model, bool trained, bool other_base)
{
    if (other_base)
        return N_("its trained model was made with another base and rests until the next `assay train`");
    return trained && !screen_uses(model, DETECTOR_LEARNED)
               ? N_("its trained model says the same of all pictures believed normal")
               : NULL;
}

const char *screening_without_drawn(const struct screen_model *model, const struct patch_model *patch)
{
    if (screen_uses(model, DETECTOR_DRAWN))
        return NULL;
    return patch_learned(patch) ? N_("what drawn defects taught says the same of all pictures believed normal")
                                : N_("defects drawn into its pictures changed too few cells to learn from; more or larger "
                                     "pictures or a smaller ignore mask help");
}
