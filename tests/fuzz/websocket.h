/* The target of WebSocket heads: any bytes, as what a socket brought. A head is read when it is all there,
 * and not before; it says what its bits say by RFC 6455, 5.2; and nothing is looked at past it. */
#ifndef FEEDHANDLER_FUZZ_WEBSOCKET_H
#define FEEDHANDLER_FUZZ_WEBSOCKET_H

#include "check.h"

#include "../../feedhandler/wire/websocket.h"

/* What a server may send: no extension, no mask, kinds 0 to 2 and 8 to 10, short whole control frames. */
static bool websocket_allowed(const uint8_t *at, uint64_t length)
{
    unsigned kind = at[0] % 16;
    bool fin = at[0] >= 128, known = kind <= 2 || (kind >= 8 && kind <= 10);
    return at[0] % 128 < 16 && at[1] < 128 && known && length >> 63 == 0 &&
           (kind < 8 || (fin && length < 126));
}

/* The bytes of the frame at `data`; 0: its head is not all there. */
static uint64_t websocket_frame(const uint8_t *data, size_t size)
{
    static const uint8_t extended[2] = {2, 8};
    size_t needed = size < 2 || data[1] % 128 < 126 ? 2 : 2 + extended[data[1] % 128 - 126];
    uint64_t length = size < 2 ? 0 : data[1] % 128;
    for (size_t there = 0; there <= (size < WS_HEAD ? size : WS_HEAD); there++) {
        uint8_t *exact = exact_copy(data, there);
        ws_frame frame;
        size_t head = ws_head(exact, there, &frame);
        CHECK(head == (there < needed ? 0 : needed), "a head of %zu bytes in %zu", head, there);
        if (head > 2)
            length = 0;
        for (size_t i = 2; i < head; i++)
            length = length * 256 + exact[i];
        if (head) {
            CHECK(frame.payload == exact + head && frame.length == length && frame.fin == exact[0] / 128 &&
                      frame.kind == exact[0] % 16,
                  "kind %d, %llu bytes", frame.kind, (unsigned long long)frame.length);
            CHECK((frame.wrong == NULL) == websocket_allowed(exact, length), "%s",
                  frame.wrong ? frame.wrong : "nothing wrong");
        }
        free(exact);
    }
    return size < needed ? 0 : needed + length;
}

static void websocket_input(const uint8_t *data, size_t size)
{
    uint64_t bytes;
    while (size && (bytes = websocket_frame(data, size)) != 0 && bytes <= size) {
        data += bytes;
        size -= bytes;
    }
}

#endif
