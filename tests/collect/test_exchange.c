/* Exchange's rows, and the sessions that they are: tests/collect/exchange/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/exchange");
}
