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
 * entry is put there behind a full barrier, so that at least one of the two sees the other. Until then an entry is
 * unsettled, and by the one swap that settles or claims it exactly one stays: a settled one, else that in the lower place.
 */
#ifndef SALLYPORT_TABLE_H
#define SALLYPORT_TABLE_H

#include "bucket.h"
#include "connection.h"
#include "endpoint.h"
#include "maps.h"

/* Entries that may be in the table at once (S-72): half of its slots, so that there is room on each way. */
const volatile __u32 table_size = 1048576;

/* CONNECTION_UNSETTLED in a word. */
#define UNSETTLED ((__u64)CONNECTION_UNSETTLED << 40)

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

/* Deletes an entry whose word others may change meanwhile, where `unsettled` asks so only while it is that. */
static __always_inline void remove_changing(__u32 index, __u32 slot, __u16 generation, bool unsettled)
{
	struct connection_bucket *bucket = bucket_of(index);
	__u64 word;
	int i;

	if (!bucket || slot >= BUCKET_SLOTS)
		return;
	for (i = 0; i < CAS_TRIES; i++) {
		word = read_word(&bucket->word[slot]);
		if (!is_entry(word, generation) || (unsettled && !(word & UNSETTLED)) ||
		    remove_entry(index, slot, word))
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
	word |= UNSETTLED;
	/* Nobody else changes a claimed word; as an exchange, so that the key is seen before it, and it before the search. */
	__sync_lock_test_and_set(&bucket->word[slot], word);
	if (place < 4 && is_alone(bucket, generation_of(hash)) &&
	    swap_word(&bucket->word[slot], word, word & ~UNSETTLED))
		return SETTLED;
	return place;
}

/* Settles an entry that is the only one of its key by now. 0: another CPU claimed it, and has an entry of its own. */
static __always_inline int confirm(__u32 index, __u32 slot, __u16 generation)
{
	struct connection_bucket *bucket = bucket_of(index);
	__u64 word;
	int i;

	if (!bucket || slot >= BUCKET_SLOTS)
		return 0;
	/* Packets that pass by the entry change its word, each at most once a tick. */
	for (i = 0; i < CAS_TRIES; i++) {
		word = read_word(&bucket->word[slot]);
		if (!is_entry(word, generation))
			return 0;
		if (!(word & UNSETTLED) || swap_word(&bucket->word[slot], word, word & ~UNSETTLED))
			return 1;
	}
	return 1;
}

/*
 * Sees to it that a key has one entry. 0: that is not the one at `place`, which is deleted.
 */
__noinline int settle(struct connection_key *key, __u32 place)
{
	__u32 probe, slot, index, own, zero = 0;
	struct connection_bucket *bucket;
	struct config *config;
	__u16 generation;
	__u64 hash, word;

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
			if ((index << 2 | slot) == own)
				continue;
			word = read_word(&bucket->word[slot]);
			if (!is_entry(word, generation) || !same_key(&bucket->slot[slot].key, key))
				continue;
			if ((index << 2 | slot) > own) {
				remove_changing(index, slot, generation, true);
				word = read_word(&bucket->word[slot]);
				if (!is_entry(word, generation) || !same_key(&bucket->slot[slot].key, key))
					continue;
			}
			remove_changing(own >> 2, own & 3, generation, false);
			return 0;
		}
		if (!is_passed(bucket))
			break;
	}
	return confirm(own >> 2, own & 3, generation);
}

#endif
