#include "proxy/spill.h"

#include "proxy/worker.h"

/* A block of worker->spill_memory. */
struct spill_piece {
    struct spill_piece *next;
    uint32_t off, len; /* bytes[off, len) wait */
    char bytes[];
};

enum { PIECE_CAP = RELAY_SMALL - sizeof(struct spill_piece) };

static uint32_t least(size_t a, size_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static bool add_piece(struct spill *spill, struct worker *worker)
{
    struct spill_piece *piece = worker_draw(worker, &worker->spill_memory);

    if (!piece)
        return false;
    *piece = (struct spill_piece){.next = NULL};
    if (spill->first)
        spill->last->next = piece;
    else
        spill->first = piece;
    spill->last = piece;
    return true;
}

bool spill_add(struct spill *spill, struct worker *worker, struct str bytes)
{
    while (bytes.len) {
        struct spill_piece *piece = spill->first ? spill->last : NULL;
        uint32_t n;

        if (!piece || piece->len == PIECE_CAP) {
            if (!add_piece(spill, worker))
                return false;
            piece = spill->last;
        }
        n = least(bytes.len, PIECE_CAP - piece->len);
        memcpy(piece->bytes + piece->len, bytes.p, n);
        piece->len += n;
        spill->len += n;
        bytes = (struct str){bytes.p + n, bytes.len - n};
    }
    return true;
}

static void drop_first(struct spill *spill, struct worker *worker)
{
    struct spill_piece *piece = spill->first;

    spill->first = piece->next;
    mem_pool_put(&worker->spill_memory, piece);
}

bool spill_move(struct spill *spill, struct worker *worker, struct relay_buf *to)
{
    uint32_t before = to->len;

    while (spill->first && relay_room(to) > 0) {
        struct spill_piece *piece = spill->first;
        uint32_t n = least(piece->len - piece->off, relay_room(to));

        memcpy(to->p + to->len, piece->bytes + piece->off, n);
        to->len += n;
        piece->off += n;
        spill->len -= n;
        if (piece->off == piece->len)
            drop_first(spill, worker);
    }
    return to->len > before;
}

void spill_release(struct spill *spill, struct worker *worker)
{
    while (spill->first)
        drop_first(spill, worker);
    spill->len = 0;
}
