/* Lines of Exim, and the sessions that they are: tests/collect/exim/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/exim");
}
