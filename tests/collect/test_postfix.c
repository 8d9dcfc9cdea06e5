/* Lines of Postfix and its companions, and the sessions that they are: tests/collect/postfix/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/postfix");
}
