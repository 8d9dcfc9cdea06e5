/* Haraka's lines, and the sessions that they are: tests/collect/haraka/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/haraka");
}
