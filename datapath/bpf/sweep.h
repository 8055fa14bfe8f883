/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Deleting entries whose time is up, and the other programs that are not for packets. */
#ifndef SALLYPORT_SWEEP_H
#define SALLYPORT_SWEEP_H

#include "clock.h"
#include "table.h"

/* As in the kernel's BTF; the loader relocates nothing, the verifier knows the context by its offsets. */
struct bpf_iter_meta;
struct bpf_map;
struct bpf_iter__bpf_map_elem {
	union {
		struct bpf_iter_meta *meta;
		__u64 : 64;
	};
	union {
		struct bpf_map *map;
		__u64 : 64;
	};
	union {
		void *key;
		__u64 : 64;
	};
	union {
		void *value;
		__u64 : 64;
	};
};

struct seq_file;
struct bpf_iter_meta {
	union {
		struct seq_file *seq;
		__u64 : 64;
	};
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));

static __always_inline bool has_serial(const struct endpoint *endpoint, __u16 serial)
{
	int i;

	for (i = 0; i < ENDPOINT_ADDRESSES; i++) {
		if (endpoint->ipv4_serial[i] == serial || endpoint->ipv6_serial[i] == serial)
			return true;
	}
	return false;
}

/*
 * An entry goes when its time is up, or its endpoint, that one's last group, or its address is gone (S-54). A closed
 * endpoint keeps its entries: nothing passes by them until it is programmed.
 */
static __always_inline bool is_dead(const struct endpoint *endpoint, __u16 serial, __u64 word, __u32 now)
{
	__u32 flags;

	if (!endpoint)
		return true;
	flags = policy_flags(endpoint->policy);
	if (flags & POLICY_GONE || (flags & POLICY_PROGRAMMED && !(flags & POLICY_GROUP)))
		return true;
	return !has_serial(endpoint, serial) || !is_live(endpoint, word, now);
}

static __always_inline __u32 sweep_now(void)
{
	__u32 zero = 0;
	struct config *config = bpf_map_lookup_elem(&configuration, &zero);

	return config ? clock_now(config) : 0;
}

/* One sweep, or a piece of one. */
struct sweep_context {
	__u32 first;
	__u32 removed;
	__u32 now;
};

static long sweep_bucket(__u32 index, struct sweep_context *context)
{
	__u32 at = context->first + index, slot;
	struct connection_bucket *bucket = bucket_of(at);
	const struct connection_key *key;
	__u64 word;

	if (!bucket)
		return 1;
	for (slot = 0; slot < BUCKET_SLOTS; slot++) {
		word = read_word(&bucket->word[slot]);
		if (word_state(word) == STATE_CLAIMED)
			continue;
		key = &bucket->slot[slot].key;
		if (is_dead(endpoint_of_id(key->endpoint), key->serial, word, context->now))
			context->removed += remove_entry(at, slot, word);
	}
	return 0;
}

SEC("syscall")
int sweep(struct sweep_args *args)
{
	struct sweep_context context = {.first = args->first, .now = sweep_now()};

	bpf_loop(args->count, sweep_bucket, &context, 0);
	args->removed = context.removed;
	return 0;
}

/* Writes a row for each entry. */
SEC("iter/bpf_map_elem")
int list_connections(struct bpf_iter__bpf_map_elem *context)
{
	struct connection_bucket *bucket = context->value;
	struct connection_row row = {};
	__u32 slot;

	if (!bucket)
		return 0;
	for (slot = 0; slot < BUCKET_SLOTS; slot++) {
		row.word = read_word(&bucket->word[slot]);
		row.key = bucket->slot[slot].key;
		/* Else the key may be of two entries. */
		if (is_entry(read_word(&bucket->word[slot]), word_generation(row.word)))
			bpf_seq_write(context->meta->seq, &row, sizeof(row));
	}
	return 0;
}

/* Takes an entry over from another table while packets may make the same one; its endpoint's count is as in begin.h. */
SEC("syscall")
int adopt_connection(struct adopt_args *args)
{
	struct connection_key key = args->key;
	struct endpoint *endpoint = endpoint_of_id(key.endpoint);
	struct config *config;
	__u64 hash, word = args->word;
	__u32 zero = 0;
	int place;

	config = bpf_map_lookup_elem(&configuration, &zero);
	args->adopted = 0;
	if (!endpoint || !config)
		return 1;
	hash = hash_of(config, &key);
	if (search(&key, hash) != NO_PLACE)
		return 0;
	word = word_of(word_seen(word), word_state(word), word_flags(word) & ~CONNECTION_UNSETTLED,
		       generation_of(hash));
	__sync_fetch_and_add(&endpoint->used, 1);
	place = insert_entry(&key, hash, word);
	if (place == NO_PLACE)
		__sync_fetch_and_sub(&endpoint->used, 1);
	else
		args->adopted = place == SETTLED || settle(&key, place);
	return 0;
}

/* Tells user space what the programs read as time. */
SEC("syscall")
int read_clock(struct clock_args *args)
{
	args->now = sweep_now();
	return 0;
}

#endif
