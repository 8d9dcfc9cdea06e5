/* A formula out of any bytes: no crash, a reason for each refusal, and what is taken has a value. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/formula.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = { "stopped", "stopped.low", "wanted_lost", "x" };
    const double values[] = { 412, 398, 3, 0 };
    struct formula formula;
    struct why why = { 0 };
    if (formula_read(&formula, (struct str){ (const char *)bytes, size }, names, 4, &why)) {
        if (why.status == 0 || !*why.text || formula.steps)
            abort();
        return 0;
    }
    volatile double value = formula_value(&formula, values);
    (void)value;
    formula_free(&formula);
    return 0;
}
