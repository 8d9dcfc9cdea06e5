/* Lines of Sendmail, and the sessions that they are: tests/collect/sendmail/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/sendmail");
}
