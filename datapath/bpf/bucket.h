/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an entry of the connection table lies, and how it is found; table.h explains the table. */
#ifndef SALLYPORT_BUCKET_H
#define SALLYPORT_BUCKET_H

#include "connection.h"
#include "endpoint.h"
#include "maps.h"

/* Size of `connections`. */
const volatile __u32 connection_buckets = 699051;

/* A place on a key's way is probe << 2 | slot. */
#define NO_PLACE (-1)

static __always_inline __u32 probe_of(int place)
{
	return (__u32)place >> 2;
}

static __always_inline __u32 slot_of(int place)
{
	__u32 slot = place & 3;

	/* Else clang asks whether it is 3, in place of whether it is less, and the verifier of 6.1 learns nothing by that. */
	asm volatile("" : "+r"(slot));
	return slot;
}

/*
 * NH of RFC 4418: two keys are alike in it with a chance of 2^-32 whatever they are, for whoever does not know the
 * random numbers. What follows spreads its bits.
 */
static __always_inline __u64 hash_of(const struct config *config, const struct connection_key *key)
{
	const __u32 *random = config->hash_key;
	__u32 ports = (__u32)key->local_port << 16 | key->remote_port;
	__u32 rest = (__u32)key->serial << 16 | (__u32)key->protocol << 8 | key->kind;
	__u64 hash;

	hash = (__u64)(key->remote[0] + random[0]) * (key->remote[1] + random[1]);
	hash += (__u64)(key->remote[2] + random[2]) * (key->remote[3] + random[3]);
	hash += (__u64)(key->endpoint + random[4]) * (ports + random[5]);
	hash += (__u64)(rest + random[6]) * random[7];
	hash ^= hash >> 32;
	hash *= 0xff51afd7ed558ccdULL;
	return hash ^ hash >> 29;
}

/* Tells most of a bucket's entries apart without a look at their keys; never 0, as the word of a free slot is. */
static __always_inline __u16 generation_of(__u64 hash)
{
	return hash >> 48 | 1;
}

static __always_inline __u32 bucket_index(__u64 hash, __u32 probe)
{
	__u32 step = (__u32)(hash >> 32) | 1;

	return (__u64)((__u32)hash + probe * step) * connection_buckets >> 32;
}

static __always_inline struct connection_bucket *bucket_of(__u32 index)
{
	return bpf_map_lookup_elem(&connections, &index);
}

/* Words of a key as they lie in memory. */
typedef __u32 __attribute__((may_alias)) key_word;

static __always_inline bool same_key(const struct connection_key *one, const struct connection_key *other)
{
	const key_word *a = (const key_word *)one, *b = (const key_word *)other;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5]) |
		 (a[6] ^ b[6]));
}

static __always_inline bool is_entry(__u64 word, __u16 generation)
{
	return word_generation(word) == generation && word_state(word) != STATE_CLAIMED;
}

/* 1 where a word is of another generation. By arithmetic: the verifier would follow each outcome of a comparison. */
static __always_inline __u32 differs(__u64 word, __u16 generation)
{
	__u32 difference = ((__u32)(word >> 48 ^ generation) + 0xffff) >> 16;

	asm volatile("" : "+r"(difference));
	return difference;
}

/* The first slot whose word is of this generation, or BUCKET_SLOTS. */
static __always_inline __u32 likely_slot(const struct connection_bucket *bucket, __u16 generation)
{
	__u32 a = differs(read_word(&bucket->word[0]), generation);
	__u32 b = differs(read_word(&bucket->word[1]), generation);
	__u32 c = differs(read_word(&bucket->word[2]), generation);

	return slot_of(a * (1 + b * (1 + c)));
}

static __always_inline bool is_passed(const struct connection_bucket *bucket)
{
	return *(const volatile __u32 *)&bucket->passed;
}

/* Looks at all of a key's way. Returns a place. */
__noinline int search(struct connection_key *key, __u64 hash)
{
	const __u16 generation = generation_of(hash);
	struct connection_bucket *bucket;
	__u32 probe, slot;

	if (!key)
		return NO_PLACE;
	for (probe = 0; probe < BUCKET_PROBES; probe++) {
		bucket = bucket_of(bucket_index(hash, probe));
		if (!bucket)
			break;
		for (slot = 0; slot < BUCKET_SLOTS; slot++) {
			if (is_entry(read_word(&bucket->word[slot]), generation) &&
			    same_key(&bucket->slot[slot].key, key))
				return probe << 2 | slot;
		}
		if (!is_passed(bucket))
			break;
	}
	return NO_PLACE;
}

/* The word of the entry at a place that search() returned, and what it was; NULL where it is another's by now. */
static __always_inline __u64 *entry_at(__u64 hash, int place, __u64 *word)
{
	struct connection_bucket *bucket;
	__u32 slot = slot_of(place);

	if (place == NO_PLACE || slot >= BUCKET_SLOTS)
		return NULL;
	bucket = bucket_of(bucket_index(hash, probe_of(place)));
	if (!bucket)
		return NULL;
	*word = read_word(&bucket->word[slot]);
	return is_entry(*word, generation_of(hash)) ? &bucket->word[slot] : NULL;
}

/* The word of a key's entry, and what it was before the key was read; NULL: there is none. For whoever looks seldom. */
static __always_inline __u64 *find_by_search(const struct config *config, struct connection_key *key, __u64 *word)
{
	__u64 hash = hash_of(config, key);

	return entry_at(hash, search(key, hash), word);
}

/* The same for each packet: straight ahead where the entry is the first of its generation in its first bucket. */
static __always_inline __u64 *find_connection(const struct config *config, struct connection_key *key, __u64 *word)
{
	__u64 hash = hash_of(config, key);
	__u16 generation = generation_of(hash);
	struct connection_bucket *bucket = bucket_of(bucket_index(hash, 0));
	__u32 slot;

	if (!bucket)
		return NULL;
	slot = likely_slot(bucket, generation);
	if (slot < BUCKET_SLOTS) {
		*word = read_word(&bucket->word[slot]);
		if (is_entry(*word, generation) && same_key(&bucket->slot[slot].key, key))
			return &bucket->word[slot];
	} else if (!is_passed(bucket)) {
		return NULL;
	}
	return entry_at(hash, search(key, hash), word);
}

#endif
