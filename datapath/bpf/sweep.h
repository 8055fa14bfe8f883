/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Removing entries whose time is up. The walk only reports keys, since deleting under a hash map's iterator makes it
 * skip entries; `collect` then judges each key anew and deletes.
 */
#ifndef SALLYPORT_SWEEP_H
#define SALLYPORT_SWEEP_H

#include "clock.h"
#include "connection.h"

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

SEC("iter/bpf_map_elem")
int find_dead(struct bpf_iter__bpf_map_elem *context)
{
	struct connection_key *from = context->key;
	struct connection *connection = context->value;
	struct connection_key key;
	__u64 word;

	if (!from || !connection)
		return 0;
	__builtin_memcpy(&key, from, sizeof(key));
	word = *(volatile __u64 *)&connection->word;
	if (word_state(word) == STATE_CLAIMED)
		return 0;
	if (is_dead(endpoint_of_id(key.endpoint), key.serial, word, sweep_now()))
		bpf_seq_write(context->meta->seq, &key, sizeof(key));
	return 0;
}

struct collect_context {
	__u32 count;
	__u32 removed;
	__u32 now;
};

static long collect_one(__u32 index, struct collect_context *context)
{
	struct connection_key *key, copy;
	struct connection *connection;
	struct endpoint *endpoint;
	__u64 word;

	key = bpf_map_lookup_elem(&sweep_keys, &index);
	if (!key)
		return 1;
	copy = *key;
	connection = bpf_map_lookup_elem(&connections, &copy);
	if (!connection)
		return 0;
	endpoint = endpoint_of_id(copy.endpoint);
	word = read_word(connection);
	if (word_state(word) != STATE_CLAIMED && is_dead(endpoint, copy.serial, word, context->now) &&
	    remove_connection(endpoint, connection, &copy, word))
		context->removed++;
	return 0;
}

SEC("syscall")
int collect(struct collect_args *args)
{
	struct collect_context context = {.count = args->count, .now = sweep_now()};

	if (context.count > SWEEP_BATCH)
		return 1;
	bpf_loop(context.count, collect_one, &context, 0);
	args->removed = context.removed;
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
