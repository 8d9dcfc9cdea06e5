#include "tests/fuzz/config_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return import_bytes("spamdyke", bytes, size);
}
