/* Lines of OpenSMTPD, and the sessions that they are: tests/collect/opensmtpd/NAME.case. */
#include "tests/lib/cases.h"

int main(void)
{
    return cases_main("tests/collect/opensmtpd");
}
