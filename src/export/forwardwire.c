#include "export/forwardwire.h"

#include "base/mem.h"
#include "export/logread.h"
#include "export/msgpack.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP = 16 + MAX_WBITS, MEMORY_LEVEL = 8, DIGEST_HEX = 128 };

/* ---- entries and messages ---- */

bool forwardwire_entry(struct buf *out, struct str line, int64_t now_wall_ns)
{
    struct logread read;
    size_t at = out->len, record;
    int64_t wall_ns = 0;

    if (line.len && line.p[0] == '{' && logread_line(line, &read))
        wall_ns = logread_wall_ns(&read);
    msgpack_array(out, 2);
    msgpack_event_time(out, wall_ns ? wall_ns : now_wall_ns);
    record = out->len;
    if (line.len == 0 || line.p[0] != '{' || !msgpack_json(out, line)) {
        out->len = record;
        msgpack_map(out, 1);
        msgpack_text(out, STR("log"));
        msgpack_text(out, line);
    }
    if (!out->full)
        return true;
    out->len = at;
    out->full = false;
    return false;
}

/* Owned by the caller. */
static char *packed(struct str entries, size_t *len_r)
{
    z_stream zip = {0};
    size_t cap;
    char *out;

    if (deflateInit2(&zip, Z_BEST_SPEED, Z_DEFLATED, GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        BUG("no memory for zlib");
    cap = deflateBound(&zip, entries.len);
    out = mem_alloc(cap);
    zip.next_in = (unsigned char *)(uintptr_t)entries.p;
    zip.avail_in = (unsigned)entries.len;
    zip.next_out = (unsigned char *)out;
    zip.avail_out = (unsigned)cap;
    if (deflate(&zip, Z_FINISH) != Z_STREAM_END)
        BUG("deflateBound was wrong");
    *len_r = cap - zip.avail_out;
    deflateEnd(&zip);
    return out;
}

char *forwardwire_message(const struct config_forward *conf, struct str entries, uint32_t count,
                          struct str id, size_t *len_r)
{
    char *pack = conf->pack ? packed(entries, &entries.len) : NULL;
    size_t cap = entries.len + strlen(conf->tag) + 256;
    struct buf out;

    if (pack)
        entries.p = pack;
    buf_init(&out, mem_alloc(cap), cap);
    msgpack_array(&out, 3);
    msgpack_text(&out, str_from(conf->tag));
    msgpack_binary(&out, (uint32_t)entries.len);
    buf_str_add(&out, entries);
    msgpack_map(&out, pack ? 3 : 2);
    msgpack_text(&out, STR("size"));
    msgpack_u64(&out, count);
    msgpack_text(&out, STR("chunk"));
    msgpack_text(&out, id);
    if (pack) {
        msgpack_text(&out, STR("compressed"));
        msgpack_text(&out, STR("gzip"));
    }
    BUG_ON(out.full);
    free(pack);
    *len_r = out.len;
    return out.p;
}

/* ---- answers ---- */

static struct forwardwire_answer bad(void)
{
    return (struct forwardwire_answer){.kind = FORWARDWIRE_BAD};
}

static struct forwardwire_answer read_ack(struct str in, uint32_t members)
{
    struct forwardwire_answer answer = {.kind = FORWARDWIRE_BAD};

    for (uint32_t i = 0; i < members; i++) {
        struct str key;

        if (!msgpack_take_text(&in, &key))
            return bad();
        if (!str_eq(key, STR("ack"))) {
            if (!msgpack_skip(&in))
                return bad();
            continue;
        }
        if (!msgpack_take_text(&in, &answer.text))
            return bad();
        answer.kind = FORWARDWIRE_ACK;
    }
    return answer;
}

static struct forwardwire_answer read_helo(struct str in)
{
    struct forwardwire_answer answer = {.kind = FORWARDWIRE_HELO};
    uint32_t members;

    if (!msgpack_take_map(&in, &members))
        return bad();
    for (uint32_t i = 0; i < members; i++) {
        struct str key;
        bool is_text;

        if (!msgpack_take_text(&in, &key))
            return bad();
        if (str_eq(key, STR("nonce")))
            is_text = msgpack_take_text(&in, &answer.text);
        else if (str_eq(key, STR("auth")))
            is_text = msgpack_take_text(&in, &answer.auth);
        else
            is_text = msgpack_skip(&in);
        if (!is_text)
            return bad();
    }
    answer.flag = answer.auth.len > 0;
    return answer;
}

static struct forwardwire_answer read_pong(struct str in)
{
    struct forwardwire_answer answer = {.kind = FORWARDWIRE_PONG};

    if (!msgpack_take_flag(&in, &answer.flag) || !msgpack_take_text(&in, &answer.text) ||
        !msgpack_take_text(&in, &answer.auth) || !msgpack_take_text(&in, &answer.digest))
        return bad();
    return answer;
}

struct forwardwire_answer forwardwire_read(struct str in)
{
    struct forwardwire_answer answer;
    struct str rest = in, word;
    uint32_t len;
    size_t whole;

    if (!msgpack_whole(in, &whole))
        return bad();
    if (whole == 0)
        return in.len < FORWARDWIRE_ANSWER_MAX ? (struct forwardwire_answer){.kind = FORWARDWIRE_MORE}
                                               : bad();
    rest.len = whole;
    if (msgpack_take_map(&rest, &len))
        answer = read_ack(rest, len);
    else if (!msgpack_take_array(&rest, &len) || !msgpack_take_text(&rest, &word))
        answer = bad();
    else if (str_eq(word, STR("HELO")))
        answer = read_helo(rest);
    else if (str_eq(word, STR("PONG")))
        answer = read_pong(rest);
    else
        answer = bad();
    answer.len = whole;
    return answer;
}

/* ---- proofs ---- */

/* SHA-512 over the parts, in hex. */
static void digest(const struct str *parts, size_t len, char hex[static DIGEST_HEX])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    struct buf out;

    if (!context || !EVP_DigestInit_ex(context, EVP_sha512(), NULL))
        BUG("no SHA-512");
    for (size_t i = 0; i < len; i++)
        EVP_DigestUpdate(context, parts[i].p, parts[i].len);
    EVP_DigestFinal_ex(context, bytes, &size);
    EVP_MD_CTX_free(context);
    buf_init(&out, hex, DIGEST_HEX);
    for (unsigned i = 0; i < size; i++)
        buf_hex(&out, bytes[i], 2);
}

bool forwardwire_ping(const struct config_forward *conf, struct str host,
                      const struct forwardwire_answer *helo, struct forwardwire_proof *proof, struct buf *out)
{
    const struct str salt = {proof->salt, sizeof proof->salt}, key = str_from(conf->shared_key),
                     user = str_from(conf->user), password = str_from(conf->password);
    const struct str key_parts[] = {salt, host, helo->text, key}, user_parts[] = {helo->auth, user, password};
    char hex[DIGEST_HEX];

    if (helo->text.len > sizeof proof->nonce ||
        RAND_bytes((unsigned char *)proof->salt, sizeof proof->salt) != 1)
        return false;
    memcpy(proof->nonce, helo->text.p, helo->text.len);
    proof->nonce_len = helo->text.len;
    msgpack_array(out, 6);
    msgpack_text(out, STR("PING"));
    msgpack_text(out, host);
    msgpack_binary(out, sizeof proof->salt);
    buf_str_add(out, salt);
    digest(key_parts, ARRAY_LEN(key_parts), hex);
    msgpack_text(out, (struct str){hex, sizeof hex});
    if (helo->flag) {
        msgpack_text(out, user);
        digest(user_parts, ARRAY_LEN(user_parts), hex);
        msgpack_text(out, (struct str){hex, sizeof hex});
    } else {
        msgpack_text(out, STR_NULL);
        msgpack_text(out, STR_NULL);
    }
    return !out->full;
}

bool forwardwire_is_genuine(const struct config_forward *conf, const struct forwardwire_proof *proof,
                            const struct forwardwire_answer *pong)
{
    const struct str parts[] = {{proof->salt, sizeof proof->salt},
                                pong->auth,
                                {proof->nonce, proof->nonce_len},
                                str_from(conf->shared_key)};
    char hex[DIGEST_HEX];

    digest(parts, ARRAY_LEN(parts), hex);
    return pong->digest.len == sizeof hex && CRYPTO_memcmp(pong->digest.p, hex, sizeof hex) == 0;
}
