/* One frame after the other, each with its length before it; the first byte picks the link. */
#include <assert.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include "collect/capture/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int links[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,
                                 DLT_NULL,   DLT_LOOP,      DLT_PPP_ETHER };
    if (size == 0)
        return 0;
    struct framing *framing = framing_new(links[data[0] % (sizeof links / sizeof *links)]);
    struct datagram datagram;
    usec at = 0;
    for (size_t i = 1; i + 2 <= size; at += USEC_SECOND / 2) {
        size_t len = data[i], snapped = data[i + 1] < 8 ? data[i + 1] : 0;
        i += 2;
        len = len < size - i ? len : size - i;
        /* Exactly its bytes, so that the sanitizer sees a look behind them. */
        uint8_t *frame = malloc(len ? len : 1);
        if (len)
            memcpy(frame, data + i, len);
        if (framing_take(framing, at, (struct piece){ frame, len, len + snapped }, &datagram)) {
            assert(datagram.payload.len <= datagram.payload.whole);
            volatile uint8_t sum = 0;
            for (size_t j = 0; j < datagram.payload.len; j++)
                sum = (uint8_t)(sum + datagram.payload.at[j]);
        }
        free(frame);
        i += len;
    }
    framing_free(framing);
    return 0;
}
