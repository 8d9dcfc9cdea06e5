/* Lines of filters (scanners, greylisters) beside those of the servers whose messages they are about, and the
 * sessions that they are: tests/collect/filters/NAME.case. Their shapes are in test_filter_lines.c. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/filters");
}
