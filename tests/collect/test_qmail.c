/* Lines of the qmail family, and the sessions that they are: tests/collect/qmail/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/qmail");
}
