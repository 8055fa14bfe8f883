/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sweeping while no agent does: a timer in a pinned map, which outlives whoever started it. It costs one look at the
 * agent's heartbeat until that stops. Its walk is in one piece, where the agent's leaves the CPU to others in between.
 */
#ifndef SALLYPORT_UNATTENDED_H
#define SALLYPORT_UNATTENDED_H

#include "sweep.h"

#define NANOSECONDS 1000000000ULL
/* How often the timer looks, and how old a heartbeat is stale. */
const volatile __u32 unattended_seconds = 10;
const volatile __u32 heartbeat_ticks = 40;

#define CLOCK_MONOTONIC 1

static int sweep_unattended(void *map, __u32 *index, struct sweeper *sweeper)
{
	__u32 zero = 0;
	struct config *config = bpf_map_lookup_elem(&configuration, &zero);
	struct sweep_context context = {.now = sweep_now()};

	if (config && context.now - config->heartbeat > heartbeat_ticks)
		bpf_loop(connection_buckets, sweep_bucket, &context, 0);
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
