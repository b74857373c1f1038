/* WebSocket frames as a server sends them (RFC 6455, 5.2), where they lie.
 *
 * No extension is known here: where one was negotiated, frames are read elsewhere.
 */
#ifndef FEEDHANDLER_WIRE_WEBSOCKET_H
#define FEEDHANDLER_WIRE_WEBSOCKET_H

#include "text.h"

enum ws_kind { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum { WS_HEAD = 10, WS_CONTROL_BYTES = 125 };

typedef struct ws_frame {
    const uint8_t *payload;
    uint64_t length; /* of the payload */
    uint8_t kind;
    bool fin;
    const char *wrong; /* what the server may not send; NULL: nothing */
} ws_frame;

ALWAYS_INLINE uint64_t ws_big_endian(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

COLD const char *ws_wrong(uint8_t first, uint8_t second, uint64_t length)
{
    uint8_t kind = first & 0x0f;
    if (first & 0x70)
        return "a frame with reserved bits set";
    if (second & 0x80)
        return "a masked frame";
    if (kind > WS_PONG || (kind > WS_BINARY && kind < WS_CLOSE))
        return "a frame of an unknown kind";
    if (kind >= WS_CLOSE && (length > WS_CONTROL_BYTES || !(first & 0x80)))
        return "a control frame that is too long or a part";
    if (length >> 63)
        return "a frame with a length of 64 bits";
    return NULL;
}

/* The head of the frame at `at`: its bytes, or 0 if they are not all there. */
ALWAYS_INLINE size_t ws_head(const uint8_t *at, size_t there, ws_frame *out)
{
    if (there < 2)
        return 0;
    uint8_t first = at[0], second = at[1] & 0x7f;
    size_t head = second < 126 ? 2 : second == 126 ? 4 : WS_HEAD;
    if (there < head)
        return 0;
    out->payload = at + head;
    out->length = second < 126 ? second : ws_big_endian(at + 2, (int)head - 2);
    out->kind = first & 0x0f;
    out->fin = first >> 7;
    out->wrong = NULL;
    bool usual = first == (0x80 | WS_TEXT) || first == (0x80 | WS_BINARY);
    if (UNLIKELY(!usual || at[1] & 0x80 || out->length >> 63))
        out->wrong = ws_wrong(first, at[1], out->length);
    return head;
}

#endif
