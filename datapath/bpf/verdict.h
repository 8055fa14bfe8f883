/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What became of a packet: the verdict, its counters, and its record for `explain`. */
#ifndef SALLYPORT_VERDICT_H
#define SALLYPORT_VERDICT_H

#include <linux/pkt_cls.h>
#include "endpoint.h"
#include "maps.h"
#include "packet.h"
#include "wire.h"

/* TCX_NEXT, and on clsact TC_ACT_UNSPEC: programs behind this one run as if it were not there. */
#define VERDICT_NEXT (-1)

struct verdict {
	__u8 reason;
	__u8 tracking;
	__u16 rule;
	__u16 slot;
};

static __always_inline struct verdict verdict_of(__u8 reason, __u8 tracking)
{
	return (struct verdict){.reason = reason, .tracking = tracking, .rule = NO_RULE};
}

static __always_inline struct verdict verdict_by_rule(__u8 reason, __u8 tracking, __u16 slot, __u16 rule)
{
	return (struct verdict){.reason = reason, .tracking = tracking, .rule = rule, .slot = slot};
}

static __always_inline bool passes(struct verdict verdict)
{
	return verdict.reason <= REASON_UNFILTERED;
}

static __always_inline void count(const struct endpoint *endpoint, __u32 direction, struct wire wire,
				  struct verdict verdict)
{
	__u32 index = endpoint->counters, reason = verdict.reason;
	struct endpoint_counters *counters = bpf_map_lookup_elem(&endpoint_counters, &index);

	/* Keeps clang from checking one copy and indexing with another, which the verifier would not connect. */
	asm volatile("" : "+r"(reason));
	if (!counters || reason >= REASONS || direction >= DIRECTIONS)
		return;
	counters->packets[direction][reason] += wire.packets;
	counters->bytes[direction][passes(verdict)] += wire.bytes;
}

static __always_inline void record(const struct endpoint *endpoint, const struct packet *packet, struct verdict verdict)
{
	struct verdict_event *event = bpf_ringbuf_reserve(&verdicts, sizeof(*event), 0);

	if (!event)
		return;
	event->endpoint = endpoint->id;
	event->direction = packet->direction;
	event->reason = verdict.reason;
	event->tracking = verdict.tracking;
	event->family = packet->family;
	event->rule = verdict.rule;
	event->slot = verdict.slot;
	/* User space asks when it wants to know; a wake-up for each packet would cost more than the packet. */
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
