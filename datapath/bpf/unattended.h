/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sweeping while no agent does: a timer in a pinned map, which outlives whoever started it. It costs one look at the
 * agent's heartbeat until that stops. Its walk can't be cut into pieces and holds its CPU for some 100 ms at a million
 * entries: that is why the agent, while it lives, has a better one.
 */
#ifndef SALLYPORT_UNATTENDED_H
#define SALLYPORT_UNATTENDED_H

#include "sweep.h"

#define NANOSECONDS 1000000000ULL
/* How often the timer looks, and how old a heartbeat is stale. */
const volatile __u32 unattended_seconds = 10;
const volatile __u32 heartbeat_ticks = 40;

#define CLOCK_MONOTONIC 1

static long remove_if_dead(struct bpf_map *map, struct connection_key *from, struct connection *connection, __u32 *now)
{
	struct connection_key key = *from;
	struct endpoint *endpoint = endpoint_of_id(key.endpoint);
	__u64 word = read_word(connection);

	if (word_state(word) != STATE_CLAIMED && is_dead(endpoint, key.serial, word, *now))
		remove_connection(endpoint, connection, &key, word);
	return 0;
}

static int sweep_unattended(void *map, __u32 *index, struct sweeper *sweeper)
{
	__u32 zero = 0, now;
	struct config *config = bpf_map_lookup_elem(&configuration, &zero);

	if (config) {
		now = clock_now(config);
		if (now - config->heartbeat > heartbeat_ticks)
			bpf_for_each_map_elem(&connections, remove_if_dead, &now, 0);
	}
	bpf_timer_start(&sweeper->timer, unattended_seconds * NANOSECONDS, 0);
	return 0;
}

/* Starts the timer, or puts this program in the place of the one that an older agent started it with. */
SEC("syscall")
int start_unattended(void *context)
{
	__u32 zero = 0;
	struct sweeper *sweeper = bpf_map_lookup_elem(&sweepers, &zero);

	if (!sweeper)
		return 1;
	/* Fails where it is initialised already. */
	bpf_timer_init(&sweeper->timer, &sweepers, CLOCK_MONOTONIC);
	if (bpf_timer_set_callback(&sweeper->timer, sweep_unattended))
		return 1;
	return bpf_timer_start(&sweeper->timer, unattended_seconds * NANOSECONDS, 0) ? 1 : 0;
}

#endif
