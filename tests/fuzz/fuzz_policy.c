/* A policy out of any bytes: no crash, a reason for each refusal, and what is taken is written so that it is
 * taken again and written the same. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#include "analyze/policy.h"

static void expect(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static char *written(const struct policy *policy, size_t *len)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, len);
    struct why why = { 0 };
    expect(to && policy_write(policy, false, to, &why) == 0, why.text);
    fclose(to);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct policy policy, again;
    struct why why = { 0 };
    if (policy_read(&policy, "policy.yaml", (struct str){ (const char *)bytes, size }, &why)) {
        expect(why.status != 0 && why.text[0] != '\0', "refused without a word");
        return 0;
    }
    size_t len = 0, len_again = 0;
    char *text = written(&policy, &len);
    expect(policy_read(&again, "written.yaml", (struct str){ text, len }, &why) == 0, why.text);
    char *text_again = written(&again, &len_again);
    expect(str_eq((struct str){ text, len }, (struct str){ text_again, len_again }), "written differently");
    free(text);
    free(text_again);
    policy_free(&policy);
    policy_free(&again);
    return 0;
}
