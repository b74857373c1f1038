/* All fuzz targets in one program, for libFuzzer and for driver.c alike. FUZZ_TARGET says which:
 * "decimal", "cursor", "memory", "websocket", or of a venue "DECODER RULE BASE REST_JOIN", the six numbers
 * of its checksum's rule, and "SHAPES". */
#include "decoder.h"

#include "cursor.h"
#include "decimal.h"
#include "memory.h"
#include "mutate.h"
#include "websocket.h"

static void (*the_target)(const uint8_t *, size_t);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    const char *wanted = getenv("FUZZ_TARGET");
    char name[64] = "";
    int rest_join = 0, sum[6] = {0}, read = 0;
    int words = wanted ? sscanf(wanted, "%63s %d %d %d %d %d %d %d %d %d %n", name, &the_venue.rule,
                                &the_venue.base, &rest_join, sum, sum + 1, sum + 2, sum + 3, sum + 4,
                                sum + 5, &read)
                       : 0;
    the_venue.rest_join = rest_join;
    the_venue.checksum = (checksum_rule){(uint8_t)sum[0], (uint8_t)sum[1], (uint8_t)sum[2],
                                         (uint8_t)sum[3], sum[4] != 0, sum[5] != 0};
    the_venue.shapes = hex_bytes(words == 10 ? wanted + read : "", &the_venue.shapes_length);
    the_venue.own = shaped_decoder_of(the_venue.shapes, the_venue.shapes_length);
    the_venue.own.usual = true;
    the_venue.decoder = strcmp(name, "shape") == 0 ? &the_venue.own : NULL;
    the_target = strcmp(name, "decimal") == 0   ? decimal_input
                 : strcmp(name, "cursor") == 0  ? cursor_input
                 : strcmp(name, "memory") == 0  ? memory_input
                 : strcmp(name, "websocket") == 0 ? websocket_input
                 : words == 10 && the_venue.decoder ? decoder_input
                                                : NULL;
    if (the_target == NULL) {
        fprintf(stderr, "FUZZ_TARGET=\"%s\": no such target\n", wanted ? wanted : "");
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    the_target(data, size);
    return 0;
}
