/* cache.h: keys with values, up to so much memory; what was not used for longest is forgotten. For cache.c.
 *
 * Each entry is linked in a bucket and in the order of use. To forget it is to unlink it: nobody frees it,
 * and who has just got its value may go on using that.
 */
#ifndef CACHE_H
#define CACHE_H

#include <gort.h>

#include <string.h>

enum { SHARDS = 16 };

typedef struct entry entry;
struct entry {
    entry *next;          /* of the same bucket */
    entry *newer, *older; /* in the order of their last use */
    char *key, *value;
    uint32_t hash, bytes;
};
GORT_TYPE(entry, next, newer, older, key, value)
typedef entry *entry_ref;

/* A part of the cache, so that several goroutines work at once. */
static struct shard {
    gort_mutex lock;
    entry **buckets, *newest, *oldest;
    size_t nbuckets, count, bytes;
} shards[SHARDS];
static size_t shard_bytes; /* a shard's share of the memory */

static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;
    while (*key != 0)
        hash = (hash ^ (unsigned char)*key++) * 16777619u;
    return hash ^ hash >> 15;
}

/* ---- one shard, which the caller has locked */

static entry **find(struct shard *s, const char *key, uint32_t hash)
{
    entry **e = &s->buckets[hash / SHARDS % s->nbuckets];
    while (*e != NULL && ((*e)->hash != hash || strcmp((*e)->key, key) != 0))
        e = &(*e)->next;
    return e;
}

static void unlink_entry(struct shard *s, entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void make_newest(struct shard *s, entry *e)
{
    e->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static void forget(struct shard *s, entry **link)
{
    entry *e = *link;
    *link = e->next;
    unlink_entry(s, e);
    s->bytes -= e->bytes;
    s->count--;
}

/* ---- the cache */

/* Room for about so many bytes of entries. */
static void cache_init(size_t bytes)
{
    shard_bytes = bytes / SHARDS;
    for (struct shard *s = shards; s < shards + SHARDS; s++) {
        s->nbuckets = shard_bytes / 128 + 1;
        s->buckets = gort_new_array(entry_ref, s->nbuckets);
    }
}

static size_t cache_count(void)
{
    size_t count = 0;
    for (struct shard *s = shards; s < shards + SHARDS; s++) {
        gort_mutex_lock(&s->lock);
        count += s->count;
        gort_mutex_unlock(&s->lock);
    }
    return count;
}

/* The value of a key, or ""; the key becomes the one that was used last. */
static const char *cache_get(const char *key)
{
    uint32_t hash = hash_of(key);
    struct shard *s = &shards[hash % SHARDS];
    gort_mutex_lock(&s->lock);
    entry *e = *find(s, key, hash);
    if (e != NULL) {
        unlink_entry(s, e);
        make_newest(s, e);
    }
    const char *value = e != NULL ? e->value : "";
    gort_mutex_unlock(&s->lock);
    return value; /* stays as it is, even if it is forgotten now */
}

/* Gives a key a value, and forgets what was not used for longest where room is short. */
static void cache_set(const char *key, const char *value)
{
    uint32_t hash = hash_of(key);
    struct shard *s = &shards[hash % SHARDS];
    entry *e = gort_new(entry);
    *e = (entry){.key = gort_strdup(key), .value = gort_strdup(value), .hash = hash};
    e->bytes = (uint32_t)(sizeof *e + strlen(key) + strlen(value) + 2);
    gort_mutex_lock(&s->lock);
    entry **old = find(s, key, hash);
    if (*old != NULL)
        forget(s, old);
    while (s->bytes + e->bytes > shard_bytes && s->oldest != NULL)
        forget(s, find(s, s->oldest->key, s->oldest->hash));
    entry **bucket = &s->buckets[hash / SHARDS % s->nbuckets];
    e->next = *bucket;
    *bucket = e;
    make_newest(s, e);
    s->bytes += e->bytes;
    s->count++;
    gort_mutex_unlock(&s->lock);
}

#endif
