/* By the quantiles of the beta distribution. Those are R's: gsl_cdf_beta_Pinv() aborts on some arguments. */
#include "analyze/interval.h"

#define MATHLIB_STANDALONE
#include <Rmath.h>

static const double tail = 0.025; /* on either side */

struct interval interval_of(uint64_t low, uint64_t high, uint64_t of)
{
    double n = (double)of, least = (double)low, most = (double)high;
    return (struct interval){
        .low = of == 0 || low == 0 ? 0 : qbeta(tail, least, n - least + 1, 1, 0),
        .high = of == 0 || high >= of ? 1 : qbeta(tail, most + 1, n - most, 0, 0),
    };
}
