/* A list of sections out of any bytes: no crash, a reason with a place for each refusal, and what is taken
 * names sections that there are, none twice. */
#include <stdio.h>
#include <stdlib.h>

#include "report/outline.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct outline outline;
    struct arena arena = { 0 };
    struct why why = { 0 };
    int result =
        outline_read(&outline, "sections.yaml", (struct str){ (const char *)bytes, size }, &arena, &why);
    if (result < 0 ? why.status == 0 || why.text[0] == '\0' : outline.count == 0)
        abort();
    for (size_t i = 0; result == 0 && i < outline.count; i++) {
        if (!outline.rows[i].view)
            abort();
        for (size_t k = 0; k < i; k++)
            if (outline.rows[k].view == outline.rows[i].view)
                abort();
    }
    arena_free(&arena);
    return 0;
}
