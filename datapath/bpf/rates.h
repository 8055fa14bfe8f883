/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Token buckets (S-71 to S-75), exact across CPUs: one 64-bit word for each, changed by
 * compare-and-swap alone. It holds not tokens but the time at which the bucket will be full again
 * (the generic cell rate algorithm, ITU-T I.371), so that filling needs no write, and a spin lock's
 * 50 ns are not spent on every packet.
 */
#ifndef SALLYPORT_RATES_H
#define SALLYPORT_RATES_H

#include "clock.h"
#include "maps.h"
#include "packet.h"

/* Each failure means that another CPU's packet was admitted or refused meanwhile. */
#define BUCKET_TRIES 32
/* More than the longest super-packet has; keeps a cost within 64 bits. */
#define BUCKET_UNITS_MAX 0xfffff

/* Time in 2^-BUCKET_SHIFT of a jiffy; of a standing clock, of a tick. */
static __always_inline __u64 bucket_now(const struct config *config)
{
	return (standing_clock ? config->clock : bpf_jiffies64()) << BUCKET_SHIFT;
}

/*
 * Takes `units` out of the bucket. 0: there are not so many in it, nor will be within `patience`, and nothing was taken.
 * Else one more than the time until there are.
 */
__noinline __u64 take(struct bucket *bucket, __u64 now, __u32 units, __u64 patience)
{
	__u64 full, start, end, cost, most;
	int i;

	if (!bucket)
		return 0;
	most = bucket->depth + patience;
	cost = ((__u64)(units & BUCKET_UNITS_MAX) * bucket->cost) >> (bucket->cost_shift & 63);
	for (i = 0; i < BUCKET_TRIES; i++) {
		full = *(volatile __u64 *)&bucket->full_at;
		/* Full already; or further in the future than a bucket can be, after a clock that began anew. */
		start = full - now > most ? now : full;
		end = start - now + cost;
		if (end > most)
			return 0;
		if (__sync_val_compare_and_swap(&bucket->full_at, full, start + cost) == full)
			return end > bucket->depth ? end - bucket->depth + 1 : 1;
	}
	return 0;
}

static __always_inline struct rates *rates_of(const struct endpoint *endpoint)
{
	__u32 index = endpoint->counters;

	return bpf_map_lookup_elem(&rates, &index);
}

/* How long a packet may wait at the most, in bucket time, and what a tick of it is in nanoseconds. */
const volatile __u64 queue_horizon = 0;
const volatile __u32 bucket_tick_ns = 4000000;

/*
 * As bucket_now, to the nanosecond: jiffies would have a packet leave up to one of them late, and so behind packets
 * that were admitted after it. A standing clock stands here too.
 */
static __always_inline __u64 bucket_time(const struct config *config, __u64 nanoseconds)
{
	__u64 tick = bucket_tick_ns;

	if (standing_clock)
		return bucket_now(config);
	return (nanoseconds / tick << BUCKET_SHIFT) + (nanoseconds % tick << BUCKET_SHIFT) / tick;
}

/* Has fq send the packet after `wait` in bucket time (EDT). The kernel keeps the time across forwarding. */
static __always_inline void delay(struct __sk_buff *skb, __u64 now, __u64 wait)
{
	__u64 nanoseconds = (wait >> 8) * bucket_tick_ns >> (BUCKET_SHIFT - 8);

	bpf_skb_set_tstamp(skb, now + nanoseconds, BPF_SKB_TSTAMP_DELIVERY_MONO);
}

#endif
