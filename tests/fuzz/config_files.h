/* A server's configuration out of any bytes: no crash, a reason for each refusal, and what is read is a policy
 * that says where each of its parts came from. What can be exported is, and comes back. */
#ifndef TESTS_FUZZ_CONFIG_FILES_H
#define TESTS_FUZZ_CONFIG_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"

static void expect(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static int import_bytes(const char *server, const uint8_t *bytes, size_t size)
{
    struct config_file file = { "input", { (const char *)bytes, size }, 0 };
    struct config_options options = { .server = server, .closed = true };
    struct imported imported;
    struct exported exported;
    struct why why = { 0 };
    if (config_import(&file, 1, &options, &imported, &why)) {
        expect(why.status != 0 && why.text[0] != '\0', "refused without a word");
        return 0;
    }
    for (size_t i = 0; i < imported.count; i++)
        expect(imported.findings[i].mapped || imported.findings[i].why.len, "not mapped, and nothing said");
    FILE *nowhere = fopen("/dev/null", "w");
    expect(nowhere != NULL, "/dev/null");
    if (config_export(&imported.policy, server, nowhere, &exported, &why))
        expect(why.status != 0 && why.text[0] != '\0', "not exported, and nothing said");
    fclose(nowhere);
    exported_close(&exported);
    imported_close(&imported);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
