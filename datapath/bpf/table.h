/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The connection table: a hash table in an array of buckets, without a lock.
 *
 * An entry lies in the first bucket with room on a way of BUCKET_PROBES that its key's hash gives. Each full bucket that
 * it passed counts it, so that a search knows where to end. A slot is free, claimed or an entry by its word alone:
 *
 *   free -> claimed   by whoever makes an entry; key and probe are written behind this
 *   claimed -> entry  once they are written
 *   entry -> claimed  by the one that deletes it
 *   claimed -> free   by the same, once nothing counts the entry any more
 *
 * Two CPUs may make an entry of one key at once. Each looks for another of its key once its own is in the table; an
 * entry is put there behind a full barrier, so that at least one of the two sees the other. The higher place goes.
 */
#ifndef SALLYPORT_TABLE_H
#define SALLYPORT_TABLE_H

#include "connection.h"
#include "endpoint.h"
#include "maps.h"

/* Size of `connections`, and the entries that may be in it at once (S-72): half of its slots, so that there is room. */
const volatile __u32 connection_buckets = 699051;
const volatile __u32 table_size = 1048576;

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

/* Takes an entry out of the counts of the buckets before its own. */
static __always_inline void uncount_way(__u64 hash, __u32 probes)
{
	struct connection_bucket *bucket;
	__u32 probe;

	for (probe = 0; probe < BUCKET_PROBES && probe < probes; probe++) {
		bucket = bucket_of(bucket_index(hash, probe));
		if (bucket)
			__sync_fetch_and_sub(&bucket->passed, 1);
	}
}

/* Claims a free slot of a bucket; BUCKET_SLOTS where there is none. */
static __always_inline __u32 claim_in(struct connection_bucket *bucket, __u16 generation)
{
	const __u64 claimed = word_of(0, STATE_CLAIMED, 0, generation);
	__u32 slot;

	for (slot = 0; slot < BUCKET_SLOTS; slot++) {
		if (!read_word(&bucket->word[slot]) && swap_word(&bucket->word[slot], 0, claimed))
			break;
	}
	return slot;
}

/* Claims the first free slot of a way. Returns a place. */
__noinline int claim_on_way(__u64 hash)
{
	struct connection_bucket *bucket;
	__u32 probe, slot;

	for (probe = 0; probe < BUCKET_PROBES; probe++) {
		bucket = bucket_of(bucket_index(hash, probe));
		if (!bucket)
			return NO_PLACE;
		slot = claim_in(bucket, generation_of(hash));
		if (slot < BUCKET_SLOTS)
			return probe << 2 | slot;
		__sync_fetch_and_add(&bucket->passed, 1);
	}
	uncount_way(hash, BUCKET_PROBES);
	return NO_PLACE;
}

/* The same, without a call where the first bucket has room. */
static __always_inline int claim_slot(__u64 hash)
{
	struct connection_bucket *first = bucket_of(bucket_index(hash, 0));
	__u32 slot = first ? claim_in(first, generation_of(hash)) : BUCKET_SLOTS;

	return slot < BUCKET_SLOTS ? (int)slot : claim_on_way(hash);
}

static __always_inline struct connection_count *table_count(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&connection_count, &zero);
}

/* Takes an entry out of the counts of its endpoint and of the table. */
static __always_inline void uncount(struct endpoint *endpoint)
{
	struct connection_count *count = table_count();

	if (count)
		__sync_fetch_and_sub(&count->used, 1);
	if (endpoint)
		__sync_fetch_and_sub(&endpoint->used, 1);
}

/*
 * The one way in which an entry is deleted: claim, delete, then give its slot back. 0: its word was not this one any
 * more, and it is somebody else's.
 */
__noinline int remove_entry(__u32 index, __u32 slot, __u64 word)
{
	struct connection_bucket *bucket = bucket_of(index);
	struct connection_key key;
	struct config *config;
	__u32 zero = 0, probe;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!bucket || !config || slot >= BUCKET_SLOTS || word_state(word) == STATE_CLAIMED)
		return 0;
	if (!swap_word(&bucket->word[slot], word, word_of(0, STATE_CLAIMED, 0, word_generation(word))))
		return 0;
	key = bucket->slot[slot].key;
	probe = bucket->slot[slot].probe;
	if (probe)
		uncount_way(hash_of(config, &key), probe);
	/* As an exchange: whoever claims the slot next writes the key that was read above. */
	__sync_lock_test_and_set(&bucket->word[slot], 0);
	uncount(endpoint_of_id(key.endpoint));
	return 1;
}

/* Deletes the entry of a key if its word is still this one. */
__noinline int remove_connection(struct connection_key *key, __u64 word)
{
	struct config *config;
	__u32 zero = 0;
	__u64 hash;
	int place;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!key || !config)
		return 0;
	hash = hash_of(config, key);
	place = search(key, hash);
	return place != NO_PLACE && remove_entry(bucket_index(hash, probe_of(place)), slot_of(place), word);
}

/* Deletes an entry whose word others may change meanwhile. */
static __always_inline void remove_changing(__u32 index, __u32 slot, __u16 generation)
{
	struct connection_bucket *bucket = bucket_of(index);
	__u64 word;
	int i;

	if (!bucket || slot >= BUCKET_SLOTS)
		return;
	for (i = 0; i < CAS_TRIES; i++) {
		word = read_word(&bucket->word[slot]);
		if (!is_entry(word, generation) || remove_entry(index, slot, word))
			return;
	}
}

/* Whether an entry that was just made in its first bucket is the only one that can be of its key. */
static __always_inline bool is_alone(const struct connection_bucket *bucket, __u16 generation)
{
	__u32 others = differs(read_word(&bucket->word[0]), generation) +
		       differs(read_word(&bucket->word[1]), generation) +
		       differs(read_word(&bucket->word[2]), generation);

	return others == BUCKET_SLOTS - 1 && !is_passed(bucket);
}

/* What insert_entry returns where nothing is left to be done. */
#define SETTLED (-2)

/*
 * Puts an entry, which its endpoint counts already, into the table. Returns SETTLED, NO_PLACE where there is no room, or
 * a place that settle() must be asked about: another CPU may have made the same entry.
 */
__noinline int insert_entry(struct connection_key *key, __u64 hash, __u64 word)
{
	struct connection_count *count = table_count();
	struct connection_bucket *bucket;
	__u32 slot;
	int place;

	if (!key || !count)
		return NO_PLACE;
	if (__sync_fetch_and_add(&count->used, 1) >= table_size) {
		__sync_fetch_and_sub(&count->used, 1);
		return NO_PLACE;
	}
	place = claim_slot(hash);
	slot = slot_of(place);
	bucket = bucket_of(bucket_index(hash, probe_of(place)));
	if (place == NO_PLACE || !bucket || slot >= BUCKET_SLOTS) {
		__sync_fetch_and_sub(&count->used, 1);
		return NO_PLACE;
	}
	bucket->slot[slot].key = *key;
	bucket->slot[slot].probe = probe_of(place);
	/* Nobody else changes a claimed word; as an exchange, so that the key is seen before it, and it before the search. */
	__sync_lock_test_and_set(&bucket->word[slot], word);
	return place < 4 && is_alone(bucket, generation_of(hash)) ? SETTLED : place;
}

/*
 * Sees to it that a key has one entry, by the lowest bucket and slot of all. 0: that was not the one at `place`, which
 * is deleted.
 */
__noinline int settle(struct connection_key *key, __u32 place)
{
	__u32 probe, slot, index, own, zero = 0;
	struct connection_bucket *bucket;
	struct config *config;
	__u16 generation;
	__u64 hash;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!key || !config)
		return 0;
	hash = hash_of(config, key);
	generation = generation_of(hash);
	own = bucket_index(hash, probe_of(place)) << 2 | slot_of(place);
	for (probe = 0; probe < BUCKET_PROBES; probe++) {
		index = bucket_index(hash, probe);
		bucket = bucket_of(index);
		if (!bucket)
			break;
		for (slot = 0; slot < BUCKET_SLOTS; slot++) {
			if ((index << 2 | slot) == own || !is_entry(read_word(&bucket->word[slot]), generation) ||
			    !same_key(&bucket->slot[slot].key, key))
				continue;
			if ((index << 2 | slot) < own) {
				remove_changing(own >> 2, own & 3, generation);
				return 0;
			}
			remove_changing(index, slot, generation);
		}
		if (!is_passed(bucket))
			break;
	}
	return 1;
}

#endif
